//! Sub resources that the catalogue does not know: asked for when they are read, and given as the JSON that came.

use std::time::Duration;

use crate::action::plain_path;
use crate::error::{Code, Error, Result};
use crate::live::Live;
use crate::path::Path;

/// What the catalogue does not know.
impl Live {
    /// Asks the server now for what is at a path below `communication_manager/rest/live/`, and gives the JSON text of its
    /// answer: for what the catalogue does not know. Takes at most `timeout` (default: the request timeout of the
    /// settings); the answer is not kept, and is at most as long as the body limit of the settings.
    ///
    /// Where an [overlay](crate::overlay) says that a sub resource is raw, the path to it is resolved in the snapshot as any
    /// other, so that `coreServers/getByName/default/extensions/getByName/4224/voicemails` and what is below it are asked
    /// for by ids. Any other path is asked for as it stands.
    ///
    /// # Errors
    /// [`Code::InvalidPath`]; [`Code::NotFound`] and [`Code::Ambiguous`] when the instance is not in the snapshot;
    /// [`Code::BadAnswer`] when the answer is not JSON; [`Code::Auth`] and the like as the server answers.
    pub fn get_raw(&self, path: &str, timeout: Option<Duration>) -> Result<String> {
        let path = plain_path(path)?;
        let path = match self.raw_parent(path) {
            Some((parent, rest)) => {
                let snapshot = self.snapshot();
                format!("{}/{rest}", snapshot.resolve_path(&parent)?.one()?.id_path())
            }
            None => path.to_owned(),
        };
        let limit = timeout.unwrap_or(self.config().get_request_timeout()).min(Duration::from_secs(86_400));
        let mut body = Vec::new();
        self.shared()?.transport.get_within(&path, &mut body, limit)?;
        let text = String::from_utf8(body)
            .map_err(|_| Error::new(Code::BadAnswer, format!("the answer for {path} is not UTF-8")))?;
        let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
        match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
            Ok(_) => Ok(text),
            Err(error) => Err(Error::new(Code::BadAnswer, format!("the answer for {path} is not JSON: {error}"))),
        }
    }

    /// The instance that a raw sub resource is below, and the rest of the path.
    fn raw_parent<'p>(&self, path: &'p str) -> Option<(Path, &'p str)> {
        let slashes = path.match_indices('/').map(|(at, _)| at);
        slashes.into_iter().find_map(|at| {
            let (parent, rest) = (path[..at].parse::<Path>().ok()?, &path[at + 1..]);
            let segment = rest.split('/').next().unwrap_or_default();
            let known = !parent.is_list() && parent.action().is_none();
            (known && self.config().get_raw_subs(parent.kind()).any(|raw| raw == segment)).then_some((parent, rest))
        })
    }
}

//! Overlays: small TOML files that say what a given server has otherwise than the [catalogue](crate::catalog).
//!
//! Most paths of actions are inferred, and a server may lack what is documented. An overlay changes rows of the catalogue
//! for one client, at run time; [`Config::overlay_file`] and [`Config::overlay`] load it, the
//! [doctor](crate::doctor::Report::overlay) writes one. `docs/overlay.md` describes every row.
//!
//! ```
//! # fn main() -> isymphony::Result<()> {
//! let mut config = isymphony::Config::new("http://pbx:58080")?;
//! config.overlay(r#"
//!     [actions."Extension.originate"]
//!     path = "call/start"
//!     body = { destination = "number" }
//!     success = [200, 204]
//!
//!     [kinds.ConferenceRoom]
//!     symbolic_name = "dialString"
//!
//!     [subs."User.status"]
//!     absent = true
//!
//!     [subs."Extension.voicemails"]
//!     kind = "raw"
//! "#)?;
//! # Ok(())
//! # }
//! ```
//!
//! | file | what it does |
//! | --- | --- |
//! | `mod` | loading |
//! | `read` | from the text to changed rows; every error names its line |
//! | `rows` | the changed rows, as settings |
//! | `raw` | sub resources that the catalogue does not know |

mod raw;
mod read;
mod rows;

use std::io::Read as _;
use std::path::Path;

use crate::config::Config;
use crate::error::{Code, Error, Result};

pub(crate) use rows::Rows;

/// No overlay is longer.
const LONGEST: u64 = 1 << 20;

/// Overlays.
impl Config {
    /// Changes rows of the catalogue by the text of an [overlay](crate::overlay). Of several overlays the later ones win,
    /// row by row. Default: the rows of the catalogue.
    ///
    /// # Errors
    /// [`Code::Config`] with the line, and what is allowed there; then nothing is changed.
    pub fn overlay(&mut self, text: &str) -> Result<&mut Self> {
        let mut changed = self.clone();
        read::apply(&mut changed, text)?;
        *self = changed;
        Ok(self)
    }

    /// Changes rows of the catalogue by an [overlay](crate::overlay) in a file, which is read now.
    ///
    /// # Errors
    /// [`Code::Config`] where the file cannot be read, is longer than 1 MiB, or as [`Config::overlay`].
    pub fn overlay_file(&mut self, path: impl AsRef<Path>) -> Result<&mut Self> {
        let path = path.as_ref();
        let cannot = |why: String| Error::new(Code::Config, format!("the overlay {} {why}", path.display()));
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(|e| cannot(format!("cannot be opened: {e}")))?;
        let read = file.take(LONGEST + 1).read_to_string(&mut text);
        read.map_err(|e| cannot(format!("cannot be read: {e}")))?;
        if text.len() as u64 > LONGEST {
            return Err(cannot("is longer than 1 MiB".to_owned()));
        }
        self.overlay(&text).map_err(|error| error.context(path.display()))
    }
}

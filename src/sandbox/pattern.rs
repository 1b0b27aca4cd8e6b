//! Which requests a fault or an override is for: `[METHOD ]glob`.

/// A glob over the path below the Live API's prefix, as sent; `*` is any text, slashes too. A method may stand before
/// it, as in `POST */originate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    method: Option<String>,
    glob: String,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Pattern {
        let text = text.trim();
        match text.split_once(' ') {
            Some((method, glob)) => Pattern { method: Some(method.to_uppercase()), glob: clean(glob) },
            None => Pattern { method: None, glob: clean(text) },
        }
    }

    /// Whether this text stands in it.
    pub(crate) fn names(&self, text: &str) -> bool {
        self.glob.contains(text)
    }

    pub(crate) fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_ref().is_none_or(|m| m == method) && glob(self.glob.as_bytes(), path.as_bytes())
    }
}

/// Without a slash or the API's prefix in front.
fn clean(glob: &str) -> String {
    let glob = glob.trim().trim_start_matches('/');
    glob.strip_prefix(crate::path::PREFIX).unwrap_or(glob).to_owned()
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last star stood, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, t) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_text() {
        let matches = |pattern: &str, path| Pattern::new(pattern).matches("GET", path);
        assert!(matches("*", "") && matches("*", "coreServers"));
        assert!(matches("*/extensions", "coreServers/x/extensions"));
        assert!(!matches("*/extensions", "coreServers/x/extensions/y"));
        assert!(matches("core*/ext*s/*", "coreServers/x/extensions/y"));
        assert!(matches("GET coreServers", "coreServers") && !matches("POST coreServers", "coreServers"));
        assert!(matches("/communication_manager/rest/live/coreServers", "coreServers"));
        assert!(!matches("coreServers", "coreServers/x") && !matches("", "x"));
        assert!(matches("*a*ab", "aaab") && !matches("*a*ab", "aaba"));
    }
}

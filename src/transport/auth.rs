//! Who we are: HTTP Basic, made once per credentials and sent with every request.
//!
//! The header never passes through ureq, which writes every byte of a request to its trace log. The outermost layer of
//! a connection to the configured origin puts it in as the request leaves, so it can neither be logged nor go
//! anywhere else.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use crate::config::Secret;

/// The credentials of a client; they can be replaced while requests run.
#[derive(Default)]
pub(crate) struct Auth(ArcSwapOption<Login>);

/// A user with the header line that says so.
pub(crate) struct Login {
    user: String,
    /// `Authorization: Basic …` with its line end.
    line: Zeroizing<String>,
}

impl Auth {
    /// Takes effect with the next request.
    pub(crate) fn set(&self, credentials: Option<(&str, &Secret)>) {
        self.0.store(credentials.map(|(user, password)| {
            let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
            let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
            let line = Zeroizing::new(format!("Authorization: Basic {}\r\n", encoded.as_str()));
            Arc::new(Login { user: user.to_owned(), line })
        }));
    }

    /// The login of now.
    pub(crate) fn login(&self) -> Option<Arc<Login>> {
        self.0.load_full()
    }

    /// The user of now, for messages.
    pub(crate) fn user(&self) -> Option<String> {
        self.0.load().as_ref().map(|login| login.user.clone())
    }
}

impl Login {
    /// The whole header line, with its line end.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_basic_over_utf8() {
        let auth = Auth::default();
        assert!(auth.login().is_none() && auth.user().is_none());
        auth.set(Some(("Aladdin", &Secret::from("open sesame"))));
        assert_eq!(auth.login().unwrap().line(), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
        auth.set(Some(("test", &Secret::from("123£"))));
        assert_eq!(auth.login().unwrap().line(), "Authorization: Basic dGVzdDoxMjPCow==\r\n");
        assert_eq!(auth.user().as_deref(), Some("test"));
        auth.set(None);
        assert!(auth.login().is_none());
        assert_eq!(format!("{auth:?}"), "Auth(***)");
    }
}

//! A password: never printed, wiped when dropped.

use std::fmt;

use zeroize::Zeroizing;

/// A password. `Debug` and `Display` show `***`, and the memory is wiped when the last copy is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The password itself. Put it nowhere that outlives the call.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(password: String) -> Self {
        Secret(Zeroizing::new(password))
    }
}

impl From<&str> for Secret {
    fn from(password: &str) -> Self {
        Secret::from(password.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

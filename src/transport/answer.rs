//! What the server answered, and what a status means.

use std::io::Read;
use std::time::{Duration, SystemTime};

use ureq::Body;
use ureq::http::header::{ALLOW, CONTENT_LENGTH, HeaderMap, HeaderName, LOCATION, RETRY_AFTER, SERVER};
use ureq::http::{Response, Uri};

use super::fault::About;
use crate::error::{Code, Error};

/// The server may ask us to wait this long, not longer.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How much of a text that explains something is read.
const TEXT_LIMIT: u64 = 64 << 10;

/// The answer to a POST, or to a question about the server itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body as text, at most 64 KiB of it; what is not UTF-8 is replaced.
    pub(crate) text: String,
    /// The methods that the server says it allows.
    pub(crate) allow: Option<String>,
    /// What the server says of its software.
    pub(crate) server: Option<String>,
    /// How long the server asks to wait, at most 5 minutes.
    pub(crate) retry_after: Option<Duration>,
    /// Where the server would rather have us, without user, query and fragment.
    location: Option<String>,
}

impl Answer {
    /// Takes the head, and as much of the body as comes: the status is the answer, the text only explains it.
    pub(super) fn read(response: Response<Body>) -> Answer {
        let (head, body) = response.into_parts();
        let mut bytes = Vec::new();
        // What has come before a failure is kept.
        let _ = body.into_reader().take(TEXT_LIMIT).read_to_end(&mut bytes);
        Answer::of(head.status.as_u16(), &head.headers, &bytes)
    }

    /// An answer whose head and body were read elsewhere.
    pub(super) fn of(status: u16, headers: &HeaderMap, body: &[u8]) -> Answer {
        let text_of = |name: HeaderName| headers.get(name)?.to_str().ok().map(super::fault::clean);
        let (allow, server, location) = (text_of(ALLOW), text_of(SERVER), text_of(LOCATION));
        let (text, retry_after) = (String::from_utf8_lossy(body).into_owned(), retry_after(headers));
        Answer { status, text, allow, server, retry_after, location: location.as_deref().map(place) }
    }

    /// Whether the server did what it was asked for.
    pub(crate) fn accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What a status other than success means, and what to do. `what` is the request, as in `GET coreServers`.
    pub(super) fn refusal(&self, about: &About, user: Option<&str>, what: &str) -> Error {
        let origin = &about.origin;
        let who = user.map_or("no user".to_owned(), |user| format!("user `{user}`"));
        let error = match self.status {
            300..=399 => self.redirected(about),
            401 => Error::new(
                Code::Auth,
                match user {
                    Some(_) => format!("{origin} does not accept the user name or the password ({who}); check both"),
                    None => format!("{origin} demands a user name and a password, and none are set"),
                },
            ),
            403 => Error::new(
                Code::Forbidden,
                format!(
                    "{origin} refuses us: either the address of this machine is not in the server's access control \
                     list (its white list admits only localhost by default), or the credentials ({who}) may not do \
                     this; check both"
                ),
            ),
            404 => Error::new(Code::NotFound, format!("{origin} has nothing there: {what}")),
            405 => Error::new(Code::Unsupported, format!("{origin} does not support {what}")),
            412 => Error::new(Code::Rejected, format!("{origin} finds the request invalid: {what}")),
            429 => Error::new(Code::ServerError, format!("{origin} is asked too often: {what}")),
            500..=599 => Error::new(Code::ServerError, format!("{origin} failed: {what}")),
            _ => Error::new(Code::BadAnswer, format!("{origin} answered with a status that makes no sense: {what}")),
        };
        let error = error.with_http_status(self.status).with_server_message(&self.text);
        match self.retry_after {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }

    fn redirected(&self, about: &About) -> Error {
        let (status, origin) = (self.status, &about.origin);
        let to = self.location.as_deref().unwrap_or("an address that it does not name");
        let target = self.location.as_deref().and_then(|to| to.parse::<Uri>().ok());
        let same_host =
            target.as_ref().and_then(Uri::host).is_some_and(|host| host.eq_ignore_ascii_case(&origin.host_in_url()));
        let to_tls = target.as_ref().and_then(Uri::scheme_str) == Some("https");
        let advice = if !origin.tls && to_tls && same_host {
            "it demands TLS; use https:// and its TLS port (55050 by default)"
        } else {
            "redirects are not followed, since the credentials are for this server alone; use the right URL"
        };
        let message = format!("{origin} answered {status} and sends us to {to}: {advice}");
        Error::new(Code::ConnectionFailed, message).with_retryable(false)
    }
}

/// The origin of a location, or its path where it names no origin; a user, a query and a fragment are left out.
fn place(location: &str) -> String {
    let end = location.find(['?', '#']).unwrap_or(location.len());
    let location = &location[..end];
    match location.split_once("://") {
        Some((scheme, rest)) => {
            let authority = rest.split('/').next().unwrap_or_default();
            format!("{scheme}://{}", authority.rsplit('@').next().unwrap_or_default())
        }
        None => match location.strip_prefix("//") {
            Some(rest) => rest.split('/').next().unwrap_or_default().rsplit('@').next().unwrap_or_default().to_owned(),
            None => location.to_owned(),
        },
    }
}

/// Seconds or a date, capped.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        true => Duration::from_secs(text.parse().unwrap_or(u64::MAX)),
        false => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_WAIT))
}

/// Reads a whole body into `body`, or fails: too long, cut, or not what its head promises.
pub(super) fn read_body(response: Response<Body>, limit: u64, about: &About, body: &mut Vec<u8>) -> Result<(), Error> {
    let origin = &about.origin;
    let too_long = |size: String| {
        let message = format!("the answer of {origin} has {size}, more than the limit of {limit} (body_limit)");
        Err(Error::new(Code::BadAnswer, message))
    };
    if response.headers().get_all(CONTENT_LENGTH).iter().count() > 1 {
        return Err(Error::new(Code::BadAnswer, format!("the answer of {origin} gives its length twice")));
    }
    let announced = response.body().content_length();
    if let Some(announced) = announced.filter(|announced| *announced > limit) {
        return too_long(format!("{announced} bytes"));
    }
    let mut reader = response.into_body().into_reader().take(limit.saturating_add(1));
    loop {
        // Nothing is reserved on the word of the server: the buffer doubles as bytes come in.
        if body.len() == body.capacity() && body.try_reserve(body.len().max(64 << 10)).is_err() {
            let message = format!("there is not enough memory for the answer of {origin} beyond {} bytes", body.len());
            return Err(Error::new(Code::Internal, message).with_retryable(true));
        }
        let room = body.capacity() - body.len();
        match reader.by_ref().take(room as u64).read_to_end(body) {
            Ok(_) if body.len() as u64 > limit => return too_long("more bytes".to_owned()),
            Ok(read) if read < room => return Ok(()),
            Ok(_) => {}
            Err(e) => return Err(about.explain(ureq::Error::from(e))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_loses_what_may_be_secret() {
        assert_eq!(place("https://u:p@pbx:55050/x?token=1#f"), "https://pbx:55050");
        assert_eq!(place("//u:p@pbx/x"), "pbx");
        assert_eq!(place("/login?secret"), "/login");
    }

    #[test]
    fn the_wait_is_seconds_or_a_date_and_capped() {
        let parse = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(parse("7"), Some(Duration::from_secs(7)));
        assert_eq!(parse("99999999999999999999999"), Some(LONGEST_WAIT));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(60));
        assert!((58..=60).contains(&parse(&soon).unwrap().as_secs()));
        let late = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(1 << 32));
        assert_eq!(parse(&late), Some(LONGEST_WAIT));
        for nonsense in ["", "-1", "soon", "1.5"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }
}

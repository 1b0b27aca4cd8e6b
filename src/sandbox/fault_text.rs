//! Faults as text, for programs in other languages.

use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::faults::{ChunkError, Fault, StallAt, Times, WrongLength};
use crate::error::{Code, Error, Result};

/// A fault with the requests it is for, as text: `key=value` pairs with `;` between them.
///
/// One of them is the fault:
///
/// | pair | [`Fault`] |
/// | --- | --- |
/// | `delay=200ms` | `Delay` |
/// | `stall=before_head`, `within_head`, `within_body` | `Stall` |
/// | `cut=BYTES`, `reset=BYTES` | `Cut`, `Reset` |
/// | `drop` | `Drop` |
/// | `length=longer`, `shorter`, `negative`, `twice` | `Length` |
/// | `chunks=bad_size`, `huge_size`, `cut`, `no_end` | `Chunks` |
/// | `garbage=BYTES` | `Garbage` |
/// | `body=html`, `object`, `list`, `null`, `empty` | `Html`, `Body` with `{}`, `[]`, `null` or nothing |
/// | `text=TEXT` | `Body`; in the text `%XX` is a byte, so a `;` is `%3B` |
/// | `status=503`, then maybe `retry_after=SECONDS` | `Status` |
/// | `redirect=URL`, then maybe `code=307` (else 302) | `Redirect`; `%3B` for a `;` |
/// | `drip=BYTES` (a second) | `Drip` |
/// | `oversized=BYTES` | `Oversized` |
/// | `nested=DEPTH` | `Nested` |
/// | `gzip_bomb=BYTES` | `GzipBomb` |
/// | `headers=COUNT` | `Headers` |
/// | `header_bytes=BYTES` | `HeaderBytes` |
/// | `wrong_types`, `duplicate_ids`, `dangling_parents` | `WrongTypes`, `DuplicateIds`, `DanglingParents` |
///
/// Beside it may stand `on=GLOB` (default `*`), `method=POST` (default any), and either `times=COUNT` or `for=DURATION`
/// (default: until it is cleared). A duration is a number with `ms`, `s` or `m`; bytes may end in `k`, `M` or `G`
/// (powers of 1 024).
///
/// ```
/// use isymphony::sandbox::FaultRule;
/// let rule: FaultRule = "status=503; retry_after=1; on=*/extensions; times=3".parse().unwrap();
/// assert!("status=often".parse::<FaultRule>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// On which requests; see [`Sandbox::fault`](super::Sandbox::fault).
    pub on: String,
    /// How often.
    pub times: Times,
}

const FAULTS: &str = "delay, stall, cut, reset, drop, length, chunks, garbage, body, text, status, redirect, drip, \
                      oversized, nested, gzip_bomb, headers, header_bytes, wrong_types, duplicate_ids, dangling_parents";

impl FromStr for FaultRule {
    type Err = Error;

    /// # Errors
    /// [`Code::InvalidArgument`]; the message names the pair that is wrong and what it may be.
    fn from_str(text: &str) -> Result<FaultRule> {
        let (mut fault, mut on, mut method, mut times) = (None, "*".to_owned(), None, None);
        let (mut retry_after, mut code) = (None, None);
        for pair in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').map_or((pair, ""), |(key, value)| (key.trim(), value.trim()));
            let fresh = match key {
                "on" => {
                    on = value.to_owned();
                    true
                }
                "method" => method.replace(value.to_uppercase()).is_none(),
                "times" if value == "forever" => times.replace(Times::Forever).is_none(),
                "times" => times.replace(Times::Count(number(pair, value)?)).is_none(),
                "for" => times.replace(Times::For(duration(pair, value)?)).is_none(),
                "retry_after" => retry_after.replace(number(pair, value)?).is_none(),
                "code" => code.replace(status(pair, value)?).is_none(),
                _ => fault.replace(parse_fault(pair, key, value)?).is_none(),
            };
            if !fresh {
                return Err(wrong(pair, "does not go together with an earlier pair"));
            }
        }
        let mut fault = fault.ok_or_else(|| wrong(text, &format!("holds no fault; faults are {FAULTS}")))?;
        match (&mut fault, retry_after, code) {
            (Fault::Status { retry_after, .. }, seconds, None) => *retry_after = seconds,
            (Fault::Redirect { status, .. }, None, code) => *status = code.unwrap_or(302),
            (_, None, None) => {}
            _ => return Err(wrong(text, "has a retry_after without a status, or a code without a redirect")),
        }
        let on = method.map_or(on.clone(), |method| format!("{method} {on}"));
        Ok(FaultRule { fault, on, times: times.unwrap_or(Times::Forever) })
    }
}

fn parse_fault(pair: &str, key: &str, value: &str) -> Result<Fault> {
    let words = |allowed: &str| wrong(pair, &format!("is not one of {allowed}"));
    Ok(match key {
        "delay" => Fault::Delay(duration(pair, value)?),
        "stall" => Fault::Stall(match value {
            "before_head" => StallAt::BeforeHead,
            "within_head" => StallAt::WithinHead,
            "within_body" => StallAt::WithinBody,
            _ => return Err(words("before_head, within_head, within_body")),
        }),
        "cut" => Fault::Cut(bytes(pair, value)? as usize),
        "reset" => Fault::Reset(bytes(pair, value)? as usize),
        "drop" if value.is_empty() => Fault::Drop,
        "length" => Fault::Length(match value {
            "longer" => WrongLength::Longer,
            "shorter" => WrongLength::Shorter,
            "negative" => WrongLength::Negative,
            "twice" => WrongLength::Twice,
            _ => return Err(words("longer, shorter, negative, twice")),
        }),
        "chunks" => Fault::Chunks(match value {
            "bad_size" => ChunkError::BadSize,
            "huge_size" => ChunkError::HugeSize,
            "cut" => ChunkError::Cut,
            "no_end" => ChunkError::NoEnd,
            _ => return Err(words("bad_size, huge_size, cut, no_end")),
        }),
        "garbage" => Fault::Garbage(bytes(pair, value)? as usize),
        "body" => match value {
            "html" => Fault::Html,
            "object" => Fault::Body(b"{}".to_vec()),
            "list" => Fault::Body(b"[]".to_vec()),
            "null" => Fault::Body(b"null".to_vec()),
            "empty" => Fault::Body(Vec::new()),
            _ => return Err(words("html, object, list, null, empty")),
        },
        "text" => Fault::Body(percent_decode_str(value).collect()),
        "status" => Fault::status(status(pair, value)?),
        "redirect" => Fault::Redirect { status: 302, to: percent_decode_semicolons(value) },
        "drip" => Fault::Drip(u32::try_from(bytes(pair, value)?).unwrap_or(u32::MAX)),
        "oversized" => Fault::Oversized(bytes(pair, value)?),
        "nested" => Fault::Nested(bytes(pair, value)?),
        "gzip_bomb" => Fault::GzipBomb(bytes(pair, value)?),
        "headers" => Fault::Headers(u32::try_from(number(pair, value)?).unwrap_or(u32::MAX)),
        "header_bytes" => Fault::HeaderBytes(bytes(pair, value)? as usize),
        "wrong_types" if value.is_empty() => Fault::WrongTypes,
        "duplicate_ids" if value.is_empty() => Fault::DuplicateIds,
        "dangling_parents" if value.is_empty() => Fault::DanglingParents,
        _ => return Err(wrong(pair, &format!("is no fault; faults are {FAULTS}"))),
    })
}

fn percent_decode_semicolons(text: &str) -> String {
    text.replace("%3B", ";").replace("%3b", ";")
}

fn number(pair: &str, value: &str) -> Result<u64> {
    value.parse().map_err(|_| wrong(pair, "does not hold a whole number that is not negative"))
}

fn status(pair: &str, value: &str) -> Result<u16> {
    let status = value.parse().ok().filter(|status| (200..=599).contains(status));
    status.ok_or_else(|| wrong(pair, "does not hold an HTTP status from 200 to 599"))
}

fn bytes(pair: &str, value: &str) -> Result<u64> {
    let (digits, shift) = match value.as_bytes().last() {
        Some(b'k') => (&value[..value.len() - 1], 10),
        Some(b'M') => (&value[..value.len() - 1], 20),
        Some(b'G') => (&value[..value.len() - 1], 30),
        _ => (value, 0),
    };
    let n = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift));
    n.ok_or_else(|| wrong(pair, "does not hold a number, maybe with k, M or G behind it"))
}

fn duration(pair: &str, value: &str) -> Result<Duration> {
    let bad = || wrong(pair, "does not hold a duration such as 200ms, 1.5s or 2m");
    let unit = value.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(bad)?;
    let n: f64 = value[..unit].trim().parse().map_err(|_| bad())?;
    let seconds = match &value[unit..] {
        "ms" => n / 1000.0,
        "s" => n,
        "m" => n * 60.0,
        _ => return Err(bad()),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| bad())
}

fn wrong(what: &str, why: &str) -> Error {
    Error::new(Code::InvalidArgument, format!("the fault {what:?} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_text() {
        let rule = |text: &str| text.parse::<FaultRule>().unwrap();
        let expected = FaultRule {
            fault: Fault::Status { status: 503, retry_after: Some(5) },
            on: "POST */extensions".to_owned(),
            times: Times::Count(3),
        };
        assert_eq!(rule("status=503; retry_after=5; on=*/extensions; times=3; method=post"), expected);
        assert_eq!(rule("delay=1.5s;for=2m").times, Times::For(Duration::from_secs(120)));
        assert_eq!(rule("text=[%3B%ff]").fault, Fault::Body(b"[;\xff]".to_vec()));
        assert_eq!(
            rule("redirect=http://a/?x=1%3By=2; code=307").fault,
            Fault::Redirect { status: 307, to: "http://a/?x=1;y=2".to_owned() }
        );
        assert_eq!(rule("oversized=1G").fault, Fault::Oversized(1 << 30));
        for text in [
            "drop",
            "stall=within_head",
            "cut=7",
            "reset=0",
            "length=twice",
            "chunks=no_end",
            "garbage=10",
            "body=html",
            "body=list",
            "drip=1",
            "nested=100000",
            "gzip_bomb=1M",
            "headers=9",
            "header_bytes=64k",
            "wrong_types",
            "duplicate_ids",
            "dangling_parents",
        ] {
            assert_eq!((rule(text).on.as_str(), rule(text).times), ("*", Times::Forever), "{text}");
        }
    }

    #[test]
    fn a_wrong_text_says_what_is_wrong() {
        let message = |text: &str| text.parse::<FaultRule>().unwrap_err().message().to_owned();
        assert!(message("").contains("holds no fault; faults are delay"));
        assert!(message("status=9").contains("\"status=9\" does not hold an HTTP status"));
        assert!(message("explode=1").contains("is no fault"));
        assert!(message("delay=1; cut=3").contains("200ms"));
        assert!(message("cut=3; drop").contains("earlier pair"));
        assert!(message("cut=3; retry_after=1").contains("without a status"));
        assert!(message("stall=x").contains("before_head"));
        assert!(message("delay=-1s").contains("duration"));
    }
}

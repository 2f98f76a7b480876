//! The text form of faults.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;

use super::{BodyPoint, Endpoint, Fault, FaultKind};

/// A text that is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultParseError {
    /// No endpoint has this name.
    #[error(
        "no endpoint is called {name:?}; there are any, api, upload, download, thumbnail, handshake, events and page"
    )]
    Endpoint {
        /// The name.
        name: String,
    },
    /// No kind of fault has this name.
    #[error(
        "no fault is called {name:?}; there are latency, bandwidth, slow_loris, wrong_etag, no_etag, refuse, reset, \
         status, error_body, truncate, lost_answer, expired, hold, black_hole, drop_connections, cut_packet and silence"
    )]
    Kind {
        /// The name.
        name: String,
    },
    /// The fault is of another endpoint.
    #[error("{kind} is a fault of events only")]
    EventsOnly {
        /// The kind of fault.
        kind: String,
    },
    /// The fault has no option of this name.
    #[error("{kind} has no option {name:?}")]
    Option {
        /// The kind of fault.
        kind: String,
        /// The name of the option.
        name: String,
    },
    /// A value that is missing, superfluous or of another form.
    #[error("{name} takes {expected}, not {value:?}")]
    Value {
        /// The kind of fault or the option.
        name: String,
        /// The value; empty when there is none.
        value: String,
        /// What it has to be.
        expected: &'static str,
    },
}

impl FromStr for Fault {
    type Err = FaultParseError;

    fn from_str(text: &str) -> Result<Self, FaultParseError> {
        let (endpoint, rest) = text.split_once(':').unwrap_or((text, ""));
        let endpoint = Endpoint::from_name(endpoint).ok_or_else(|| FaultParseError::Endpoint {
            name: endpoint.to_owned(),
        })?;
        let (kind, mut options) = rest.split_once(':').unwrap_or((rest, ""));
        let (name, value) = kind.split_once('=').unwrap_or((kind, ""));
        let mut fault = Self::new(endpoint, FaultKind::parse(name, value)?);
        while !options.is_empty() {
            // A body is the rest of the text: it may contain any character.
            let (option, rest) = match options.split_once(':') {
                Some(parts) if !options.starts_with("body=") => parts,
                _ => (options, ""),
            };
            let (option, value) = option.split_once('=').unwrap_or((option, ""));
            fault.set_option(option, value)?;
            options = rest;
        }
        fault.check()?;
        Ok(fault)
    }
}

impl Fault {
    /// Refuses what a fault of the event server's connections could not follow: it happens to all of them, once.
    fn check(&self) -> Result<(), FaultParseError> {
        if !self.kind.is_of_events() {
            return Ok(());
        }
        let kind = self.kind.name();
        if self.endpoint != Endpoint::Events {
            return Err(FaultParseError::EventsOnly {
                kind: kind.to_owned(),
            });
        }
        let lasts = self.kind == FaultKind::Silence;
        let superfluous = [
            ("action", self.action.is_some()),
            ("part", self.part.is_some()),
            ("count", self.count.is_some_and(|count| lasts || count != 1)),
            ("skip", self.skip > 0),
            ("probability", self.probability < 1.0),
        ];
        match superfluous.iter().find(|(_, is_set)| *is_set) {
            None => Ok(()),
            Some((name, _)) => Err(FaultParseError::Option {
                kind: kind.to_owned(),
                name: (*name).to_owned(),
            }),
        }
    }

    fn set_option(&mut self, name: &str, value: &str) -> Result<(), FaultParseError> {
        match (name, &mut self.kind) {
            ("action", _) if value.is_empty() => {
                return Err(wrong(name, value, "the name of an action"));
            }
            ("action", _) => self.action = Some(value.to_owned()),
            ("part", _) => self.part = Some(read(name, value, "a whole number")?),
            ("count", _) => self.count = Some(read(name, value, "a whole number")?),
            ("skip", _) => self.skip = read(name, value, "a whole number")?,
            ("probability", _) => {
                let expected = "a number from 0 to 1";
                self.probability = read(name, value, expected)?;
                if !(0.0..=1.0).contains(&self.probability) {
                    return Err(wrong(name, value, expected));
                }
            }
            ("retry_after", FaultKind::Status { retry_after, .. }) => {
                *retry_after = Some(read(name, value, "a whole number of seconds")?);
            }
            ("body", FaultKind::Status { body, .. }) => *body = Some(value.to_owned()),
            (_, kind) => {
                return Err(FaultParseError::Option {
                    kind: kind.name().to_owned(),
                    name: name.to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl FaultKind {
    fn parse(name: &str, value: &str) -> Result<Self, FaultParseError> {
        let milliseconds =
            || read(name, value, "a whole number of milliseconds").map(Duration::from_millis);
        let kind = match name {
            "latency" => return milliseconds().map(Self::Latency),
            "slow_loris" => return milliseconds().map(Self::SlowLoris),
            "bandwidth" => {
                let speed: NonZeroU64 = read(name, value, "a number of bytes a second")?;
                return Ok(Self::Bandwidth(speed));
            }
            "reset" => return Ok(Self::Reset(BodyPoint::parse(value)?)),
            "status" => return Self::parse_status(value),
            "wrong_etag" => Self::WrongEtag,
            "no_etag" => Self::NoEtag,
            "refuse" => Self::Refuse,
            "error_body" => Self::ErrorBody,
            "truncate" => Self::Truncate,
            "lost_answer" => Self::LostAnswer,
            "expired" => Self::Expired,
            "hold" => Self::Hold,
            "black_hole" => Self::BlackHole,
            "drop_connections" => Self::DropConnections,
            "cut_packet" => Self::CutPacket,
            "silence" => Self::Silence,
            _ => {
                return Err(FaultParseError::Kind {
                    name: name.to_owned(),
                });
            }
        };
        if value.is_empty() {
            Ok(kind)
        } else {
            Err(wrong(name, value, "no value"))
        }
    }

    fn parse_status(value: &str) -> Result<Self, FaultParseError> {
        let expected = "a status from 200 to 599";
        let code: StatusCode = read("status", value, expected)?;
        // The informational ones announce another answer, which would never come.
        if !(200..600).contains(&code.as_u16()) {
            return Err(wrong("status", value, expected));
        }
        Ok(Self::Status {
            code,
            retry_after: None,
            body: None,
        })
    }
}

impl BodyPoint {
    fn parse(value: &str) -> Result<Self, FaultParseError> {
        match value {
            "before" => Ok(Self::Before),
            "middle" => Ok(Self::Middle),
            "after" => Ok(Self::After),
            _ => Err(wrong("reset", value, "before, middle or after")),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Middle => "middle",
            Self::After => "after",
        }
    }
}

fn read<T: FromStr>(name: &str, value: &str, expected: &'static str) -> Result<T, FaultParseError> {
    value.parse().map_err(|_| wrong(name, value, expected))
}

fn wrong(name: &str, value: &str, expected: &'static str) -> FaultParseError {
    FaultParseError::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        expected,
    }
}

/// Writes the text form, which reads back as the same fault.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.endpoint.name(), self.kind.name())?;
        match &self.kind {
            FaultKind::Latency(time) | FaultKind::SlowLoris(time) => {
                write!(f, "={}", time.as_millis())?;
            }
            FaultKind::Bandwidth(speed) => write!(f, "={speed}")?,
            FaultKind::Reset(point) => write!(f, "={}", point.name())?,
            FaultKind::Status { code, .. } => write!(f, "={}", code.as_u16())?,
            _ => {}
        }
        if let Some(action) = &self.action {
            write!(f, ":action={action}")?;
        }
        if let Some(part) = self.part {
            write!(f, ":part={part}")?;
        }
        if let Some(count) = self.count {
            write!(f, ":count={count}")?;
        }
        if self.skip > 0 {
            write!(f, ":skip={}", self.skip)?;
        }
        if self.probability < 1.0 {
            write!(f, ":probability={}", self.probability)?;
        }
        if let FaultKind::Status {
            retry_after, body, ..
        } = &self.kind
        {
            if let Some(seconds) = retry_after {
                write!(f, ":retry_after={seconds}")?;
            }
            if let Some(body) = body {
                write!(f, ":body={body}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_with_everything_is_read() {
        let text = "api:status=503:action=create:part=3:count=2:skip=1:probability=0.5:retry_after=3:body={\"a\":1}";
        let fault: Fault = text.parse().unwrap();
        assert_eq!(
            fault,
            Fault {
                endpoint: Endpoint::Api,
                action: Some("create".to_owned()),
                part: Some(3),
                kind: FaultKind::Status {
                    code: StatusCode::SERVICE_UNAVAILABLE,
                    retry_after: Some(3),
                    body: Some("{\"a\":1}".to_owned()),
                },
                count: Some(2),
                skip: 1,
                probability: 0.5,
            }
        );
        assert_eq!(fault.to_string(), text);
    }

    #[test]
    fn every_kind_reads_back() {
        for text in [
            "any:latency=50",
            "upload:bandwidth=1000",
            "download:slow_loris=10",
            "upload:wrong_etag",
            "upload:no_etag",
            "any:refuse",
            "upload:reset=before",
            "thumbnail:reset=middle",
            "handshake:reset=after",
            "page:error_body",
            "events:truncate",
            "api:lost_answer",
            "upload:expired:count=1",
            "upload:hold:part=2",
            "any:black_hole",
            "events:drop_connections",
            "events:drop_connections:count=1",
            "events:cut_packet",
            "events:silence",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let check = |text: &str, expected: &str| {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("", "no endpoint is called \"\"");
        check("uploads:refuse", "no endpoint is called \"uploads\"");
        check("upload", "no fault is called \"\"");
        check("upload:crash", "no fault is called \"crash\"");
        check("upload:refuse=1", "refuse takes no value");
        check("upload:status=teapot", "a status from 200 to 599");
        check("upload:status=101", "a status from 200 to 599");
        check("upload:bandwidth=0", "a number of bytes a second");
        check("upload:reset=end", "before, middle or after");
        check("upload:refuse:count=-1", "count takes a whole number");
        check(
            "upload:refuse:retry_after=1",
            "refuse has no option \"retry_after\"",
        );
        check("upload:refuse:probability=2", "a number from 0 to 1");
        check("api:refuse:action", "the name of an action");
        check("upload:drop_connections", "a fault of events only");
        check("any:silence", "a fault of events only");
        check("events:drop_connections:count=2", "no option \"count\"");
        check("events:silence:count=1", "no option \"count\"");
        check("events:cut_packet:skip=1", "no option \"skip\"");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_fail_in_another_way(
            text in "(api|upload|any)?:?(status|latency|reset|refuse)?(=[0-9a-z]{0,4})?(:[a-z_]{0,8}=?.{0,5}){0,3}",
        ) {
            if let Ok(fault) = text.parse::<Fault>() {
                prop_assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault));
            }
        }
    }
}

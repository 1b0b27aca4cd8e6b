//! The outermost layer of a connection: it notes how far a request has come, and puts the credentials in.

use std::io::ErrorKind;
use std::sync::Arc;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use super::auth::Auth;
use super::fault::Fault;
use super::resolver::Names;
use super::trace;

/// Makes connections by `inner`.
#[derive(Debug)]
pub(super) struct Chain<C> {
    pub(super) inner: C,
    pub(super) names: Names,
    pub(super) auth: Arc<Auth>,
    /// Whether there is a proxy. The connection to it is made by this chain too, with a configuration that has none.
    pub(super) proxied: bool,
}

impl<C: Connector<()>> Connector<()> for Chain<C> {
    type Out = Traced<C::Out>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        let to_origin = details.config.proxy().is_some() == self.proxied;
        let connected = self.inner.connect(details, chained);
        trace::dialled();
        if connected.is_err() {
            self.names.distrust(details.uri.host().unwrap_or_default());
        }
        let auth = to_origin.then(|| self.auth.clone());
        Ok(connected?.map(|inner| Traced { inner, auth }))
    }
}

/// A connection whose use is noted in [`trace`]; one to a proxy is only passed through.
#[derive(Debug)]
pub(super) struct Traced<T> {
    inner: T,
    /// `None` on the connection to a proxy.
    auth: Option<Arc<Auth>>,
}

impl<T: Transport> Traced<T> {
    /// Puts the `Authorization` line behind the request line. Where it stands and how long it is.
    fn authorize(&mut self, amount: usize) -> Result<(usize, usize), Error> {
        let Some(login) = self.auth.as_ref().and_then(|auth| auth.login()) else {
            return Ok((0, 0));
        };
        let line = login.line().as_bytes();
        let output = self.inner.buffers().output();
        let request = output.get(..amount).unwrap_or_default();
        let at = request.windows(2).position(|pair| pair == b"\r\n").map(|at| at + 2);
        match at {
            Some(at) if amount + line.len() <= output.len() => {
                output.copy_within(at..amount, at + line.len());
                output[at..at + line.len()].copy_from_slice(line);
                Ok((at, line.len()))
            }
            _ => Err(Fault::Broken("the head of the request does not fit".to_owned()).into()),
        }
    }
}

impl<T: Transport> Transport for Traced<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.auth.is_none() || !trace::sending() {
            return self.inner.transmit_output(amount, timeout);
        }
        let (at, length) = self.authorize(amount)?;
        let sent = self.inner.transmit_output(amount + length, timeout);
        self.inner.buffers().output()[at..at + length].fill(0);
        sent
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        match self.inner.await_input(timeout) {
            Ok(true) => {
                if self.auth.is_some() {
                    trace::received();
                }
                Ok(true)
            }
            // ureq would take these for the end of a body without a length: a cut answer would pass for a whole one.
            Err(Error::Io(e))
                if matches!(
                    e.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
                ) =>
            {
                Err(Fault::Broken(e.to_string()).into())
            }
            other => other,
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

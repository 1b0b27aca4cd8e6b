//! A client that knows nothing of the library: HTTP, and what a sandbox answers.
#![allow(dead_code)] // Each test program uses a part of it.

use std::time::Duration;

use isymphony::sandbox::{Sandbox, SandboxConfig};
use serde_json::Value;

/// The path that all of the Live API is below.
pub(crate) const PREFIX: &str = "communication_manager/rest/live";
/// The path of the core server that every sandbox has.
pub(crate) const D: &str = "coreServers/getByName/default";

/// One who asks a sandbox, and looks at each answer.
pub(crate) struct Client {
    pub(crate) agent: ureq::Agent,
    pub(crate) url: String,
    pub(crate) credentials: Option<&'static str>,
}

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) headers: ureq::http::HeaderMap,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
}

impl Client {
    fn new(sandbox: &Sandbox) -> Client {
        let config = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Client { agent: config.into(), url: sandbox.url(), credentials: None }
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        let mut request = self.agent.get(format!("{}/{PREFIX}/{path}", self.url));
        if let Some(credentials) = self.credentials {
            request = request.header("Authorization", credentials);
        }
        read(request.call().unwrap())
    }

    pub(crate) fn list(&self, path: &str) -> Vec<Value> {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.text);
        response.json().as_array().unwrap().clone()
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Response {
        let request = self.agent.post(format!("{}/{PREFIX}/{path}", self.url));
        match body {
            "" => read(request.send_empty().unwrap()),
            _ => read(request.header("Content-Type", "application/json").send(body).unwrap()),
        }
    }
}

fn read(response: ureq::http::Response<ureq::Body>) -> Response {
    let (parts, mut body) = response.into_parts();
    let text = body.with_config().limit(1 << 30).read_to_string().unwrap();
    Response { status: parts.status.as_u16(), text, headers: parts.headers }
}

pub(crate) fn start(config: SandboxConfig) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(config).unwrap();
    let client = Client::new(&sandbox);
    (sandbox, client)
}

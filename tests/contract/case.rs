//! One case while it runs: its sandbox, its client, and the resource it speaks of.

use std::time::Duration;

use isymphony::action::{Arg, Outcome};
use isymphony::catalog::Kind;
use isymphony::sandbox::{RawResponse, Sandbox, SandboxConfig};
use isymphony::snapshot::{Resource, ResourceOwned, State, Target, Value};
use isymphony::{Config, Error, Live, Snapshot};

use super::typed;

const WAIT: Option<Duration> = Some(Duration::from_secs(10));

#[derive(Default)]
pub(crate) struct Case {
    world: Option<SandboxConfig>,
    credentials: (Option<String>, Option<String>),
    core_servers: Vec<String>,
    kinds: Vec<Kind>,
    sandbox: Option<Sandbox>,
    /// What `{path}` asks for its ids: the sandbox's first incarnation, with nothing served in place of the model.
    first: Option<Snapshot>,
    live: Option<Live>,
    resource: Option<ResourceOwned>,
    acted: Option<Result<Outcome, Error>>,
}

type Checked<T = ()> = Result<T, String>;

impl Case {
    pub(crate) fn line(&mut self, fields: &[&str]) -> Checked {
        match fields {
            ["config", "core_servers", slugs] => self.core_servers = slugs.split(',').map(str::to_owned).collect(),
            ["config", "kinds", kinds] => {
                let kind = |name: &str| Kind::from_name(name).ok_or(format!("there is no kind {name}"));
                self.kinds = kinds.split(',').map(kind).collect::<Checked<_>>()?;
            }
            ["world", key, value] => self.set_world(key, value)?,
            ["serve", path, body] => {
                let (path, body) = (self.expand(path)?, self.expand(body)?);
                self.sandbox()?.override_body(&path, &body);
            }
            ["status", path, code, text] => {
                let path = self.expand(path)?;
                let code = code.parse().map_err(|_| format!("{code} is no status"))?;
                self.sandbox()?.respond_with(&path, RawResponse::status(code, text));
            }
            ["restart"] => self.restart()?,
            ["one", path] => {
                let path = self.expand(path)?;
                let snapshot = self.live()?.snapshot();
                let found = snapshot.resolve(&path).and_then(Target::one).map_err(|e| format!("{path}: {e:?}"))?;
                self.resource = Some(found.to_owned());
            }
            ["list", path, count] => {
                let path = self.expand(path)?;
                match self.live()?.snapshot().resolve(&path) {
                    Ok(Target::List(list)) => equal(&path, &list.len().to_string(), count)?,
                    other => return Err(format!("{path} gives {other:?}, not a list")),
                }
            }
            ["error", path, code, words] => {
                let path = self.expand(path)?;
                match self.live()?.snapshot().resolve(&path).and_then(Target::one) {
                    Ok(found) => return Err(format!("{path} gives {found:?}")),
                    Err(error) => has(&error, code, words, error.message())?,
                }
            }
            ["act", path, action, arguments @ ..] => self.act(path, action, arguments)?,
            ["accepted"] => match &self.acted {
                Some(Ok(Outcome::Accepted)) => {}
                other => return Err(format!("{other:?}, not accepted")),
            },
            ["refused", code, words] => match &self.acted {
                Some(Err(error)) => has(error, code, words, &error.to_string())?,
                other => return Err(format!("{other:?}, not refused")),
            },
            ["posted", path, body @ ..] => {
                let body = body.first().copied().unwrap_or_default();
                let (path, body) = (self.expand(path)?, self.expand(body)?);
                let requests = self.sandbox()?.requests();
                let post = requests.iter().rfind(|request| request.method == "POST").ok_or("nothing was posted")?;
                equal("the path posted", &post.path, &path)?;
                equal("the body posted", &post.body, &body)?;
            }
            [look, rest @ ..] => {
                let rest = rest.iter().map(|field| self.expand(field)).collect::<Checked<Vec<_>>>()?;
                let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
                self.live()?;
                self.look(look, &rest)?;
            }
            [] => {}
        }
        Ok(())
    }

    fn set_world(&mut self, key: &str, value: &str) -> Checked {
        let number = || value.parse().map_err(|_| format!("{value} is no number"));
        let world = self.world.take().unwrap_or_default();
        self.world = Some(match key {
            "users" => world.users(number()?),
            "queues" => world.queues(number()?),
            "seed" => world.seed(number()?.into()),
            "username" => {
                self.credentials.0 = Some(value.to_owned());
                world
            }
            "password" => {
                self.credentials.1 = Some(value.to_owned());
                world
            }
            _ => return Err(format!("the world has no {key}")),
        });
        Ok(())
    }

    fn credentials(&self) -> Option<(&str, &str)> {
        Some((self.credentials.0.as_deref()?, self.credentials.1.as_deref().unwrap_or_default()))
    }

    fn sandbox(&mut self) -> Checked<&Sandbox> {
        if self.sandbox.is_none() {
            let mut world = self.world.take().unwrap_or_default();
            if let Some((username, password)) = self.credentials() {
                world = world.credentials(username, password);
            }
            let sandbox = Sandbox::start(world).map_err(said)?;
            let scout = Live::open(self.config(&sandbox)?).map_err(said)?;
            self.first = Some(scout.wait(WAIT).map_err(said)?);
            scout.close(None);
            self.sandbox = Some(sandbox);
        }
        Ok(self.sandbox.as_ref().expect("it was started"))
    }

    fn config(&self, sandbox: &Sandbox) -> Checked<Config> {
        let mut config = Config::new(&sandbox.url()).map_err(said)?;
        if let Some((username, password)) = self.credentials() {
            config.credentials(username, password).map_err(said)?;
        }
        Ok(config)
    }

    fn live(&mut self) -> Checked<&Live> {
        self.sandbox()?;
        if self.live.is_none() {
            let sandbox = self.sandbox.as_ref().ok_or("there is no sandbox")?;
            let mut config = self.config(sandbox)?;
            config.core_servers(self.core_servers.clone()).map_err(said)?;
            config.kinds(self.kinds.clone());
            let live = Live::open(config).map_err(said)?;
            live.wait(WAIT).map_err(said)?;
            self.live = Some(live);
        }
        Ok(self.live.as_ref().expect("it was opened"))
    }

    /// Puts ids in the place of `{path}`.
    fn expand(&mut self, field: &str) -> Checked<String> {
        let (mut out, mut rest) = (String::new(), field);
        while let Some((before, behind)) = rest.split_once("{coreServers") {
            let (path, after) = behind.split_once('}').ok_or("a brace is not closed")?;
            let path = format!("coreServers{path}");
            self.sandbox()?;
            let first = self.first.as_ref().ok_or("there is no sandbox")?;
            let id = first.resolve(&path).and_then(Target::one).map_err(said)?.id();
            out.push_str(&format!("{before}{id}"));
            rest = after;
        }
        Ok(out + rest)
    }

    fn restart(&mut self) -> Checked {
        let epoch = self.live()?.snapshot().epoch();
        self.sandbox()?.restart();
        for _ in 0..1_000 {
            if self.live()?.refresh(WAIT).map_err(said)?.epoch() > epoch {
                return Ok(());
            }
        }
        Err("the client has not seen the restart".to_owned())
    }

    fn act(&mut self, path: &str, action: &str, arguments: &[&str]) -> Checked {
        let path = self.expand(path)?;
        let arguments = arguments.iter().map(|field| self.expand(field)).collect::<Checked<Vec<_>>>()?;
        let mut given: Vec<(&str, Arg)> = Vec::new();
        for argument in &arguments {
            let (name, value) = argument.split_once('=').ok_or(format!("{argument} is not name=value"))?;
            given.push((name, value.parse::<i64>().map_or_else(|_| Arg::from(value), Arg::from)));
        }
        let ticket = self.live()?.handle(&path).and_then(|handle| handle.act(action, &given, None));
        if let Ok(ticket) = &ticket {
            ticket.wait(WAIT).map_err(said)?;
        }
        self.acted = Some(ticket.map(|ticket| ticket.outcome()));
        Ok(())
    }

    fn look(&self, look: &str, rest: &[&str]) -> Checked {
        let resource = self.resource.as_ref().ok_or("no resource is spoken of")?;
        let resource = resource.get();
        match (look, rest) {
            ("kind", [kind]) => equal(look, resource.kind().name(), kind),
            ("id", [id]) => equal(look, &resource.id().to_string(), id),
            ("named", [name]) => equal(look, resource.name().unwrap_or_default(), name),
            ("path", [path]) => equal(look, &resource.path().to_string(), path),
            ("raw", [json]) => equal(look, &resource.raw(), json),
            ("extra", json) => {
                equal(look, resource.extra().unwrap_or_default(), json.first().copied().unwrap_or_default())
            }
            ("related", [relation, paths @ ..]) => self.related(resource, relation, paths),
            ("text" | "int" | "bool", [name, value]) => property(resource, look, name, value),
            ("text", [name]) => property(resource, look, name, ""),
            ("null" | "missing" | "other", [name]) => property(resource, look, name, ""),
            _ => Err(format!("{look} {rest:?} is no line of the format")),
        }
    }

    fn related(&self, resource: Resource<'_>, relation: &str, paths: &[&str]) -> Checked {
        let found = typed::related(resource, relation).ok_or(format!("a {} has no {relation}", resource.kind()))?;
        let snapshot = resource.snapshot();
        for path in paths {
            let wanted = snapshot.resolve(path).and_then(Target::one).map_err(|e| format!("{path}: {e:?}"))?;
            if !found.iter().any(|found| found.id() == wanted.id() && *found == wanted) {
                return Err(format!("{relation} lacks {path}: {found:?}"));
            }
        }
        equal(relation, &found.len().to_string(), &paths.len().to_string())
    }
}

fn property(resource: Resource<'_>, look: &str, name: &str, value: &str) -> Checked {
    let property = resource.property(name).ok_or(format!("a {} has no {name}", resource.kind()))?;
    let (state, expected) = match look {
        "null" => (State::Null, None),
        "missing" => (State::Missing, None),
        "other" => (State::OtherType, None),
        "text" => (State::Present, Some(Value::Text(value))),
        "int" => (State::Present, Some(Value::Int(value.parse().map_err(|_| format!("{value} is no number"))?))),
        _ => (State::Present, Some(Value::Bool(value == "true"))),
    };
    if (property.state, property.value) != (state, expected) {
        return Err(format!("{name} is {:?} {:?}, not {state:?} {expected:?}", property.state, property.value));
    }
    match typed::property(resource, name) {
        Some(typed) if typed == expected => Ok(()),
        typed => Err(format!("the accessor of {name} gives {typed:?}, not {expected:?}")),
    }
}

fn equal(what: &str, is: &str, should: &str) -> Checked {
    if is == should { Ok(()) } else { Err(format!("{what}: it is {is:?}, not {should:?}")) }
}

fn has(error: &Error, code: &str, words: &str, text: &str) -> Checked {
    if error.code().name() != code || !text.contains(words) {
        return Err(format!("{error:?}, not {code} with {words:?}"));
    }
    Ok(())
}

fn said(error: Error) -> String {
    format!("{error:?}")
}

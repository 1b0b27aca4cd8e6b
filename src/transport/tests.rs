//! The transport against small servers that do exactly what a test says.

mod answers;
mod close;
mod events;
mod limits;
mod post;
mod requests;
mod tls;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Transport;
use crate::config::Config;
use crate::error::{Code, Error};

const PASSWORD: &str = "hunter2";
/// `manager:hunter2` in base 64.
const ENCODED: &str = "bWFuYWdlcjpodW50ZXIy";

/// What a server does about a request.
#[derive(Clone)]
enum Step {
    Send(Vec<u8>),
    Sleep(u64),
    Close,
}

fn send(text: impl AsRef<[u8]>) -> Vec<Step> {
    vec![Step::Send(text.as_ref().to_vec())]
}

fn ok(body: &str) -> Vec<Step> {
    status(200, body)
}

fn status(code: u16, body: &str) -> Vec<Step> {
    send(format!("HTTP/1.1 {code} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// A server that answers the n-th request by a script.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Server {
    fn new(script: impl Fn(usize, &str) -> Vec<Step> + Send + Sync + 'static) -> Server {
        Server::wrapped(script, Some)
    }

    /// With a layer between TCP and HTTP.
    fn wrapped<S: Read + Write>(
        script: impl Fn(usize, &str) -> Vec<Step> + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let open = Arc::new(AtomicUsize::new(0));
        let (log, count, opened) = (requests.clone(), connections.clone(), open.clone());
        let (script, wrap) = (Arc::new(script), Arc::new(wrap));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                opened.fetch_add(1, Ordering::SeqCst);
                let (log, script, wrap, opened) = (log.clone(), script.clone(), wrap.clone(), opened.clone());
                std::thread::spawn(move || {
                    let raw = stream.try_clone().unwrap();
                    if let Some(mut stream) = wrap(stream) {
                        while let Some(request) = read_request(&mut stream) {
                            let number = {
                                let mut log = log.lock().unwrap();
                                log.push(request.clone());
                                log.len() - 1
                            };
                            if !play(&mut stream, script(number, &request)) {
                                break;
                            }
                        }
                        let _ = stream.flush();
                    }
                    let _ = raw.shutdown(Shutdown::Both);
                    opened.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Server { address, requests, connections, open }
    }

    fn config(&self) -> Config {
        let mut config = Config::new(&format!("http://{}", self.address)).unwrap();
        config.credentials("manager", PASSWORD).unwrap();
        config
    }

    fn transport(&self) -> Transport {
        Transport::new(&self.config()).unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head
        .to_ascii_lowercase()
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

/// Whether the connection goes on.
fn play(stream: &mut impl Write, steps: Vec<Step>) -> bool {
    for step in steps {
        match step {
            Step::Send(bytes) => {
                if stream.write_all(&bytes).and_then(|()| stream.flush()).is_err() {
                    return false;
                }
            }
            Step::Sleep(millis) => std::thread::sleep(Duration::from_millis(millis)),
            Step::Close => return false,
        }
    }
    true
}

fn get(transport: &Transport, path: &str) -> Result<String, Error> {
    let mut body = b"left over".to_vec();
    let result = transport.get(path, &mut body);
    if let Err(error) = &result {
        assert!(body.is_empty(), "a partial body was left behind");
        assert_clean(error);
    }
    result.map(|()| String::from_utf8(body).unwrap())
}

fn code(result: Result<String, Error>) -> Code {
    result.unwrap_err().code()
}

/// No secret in what is shown of an error.
fn assert_clean(error: &Error) {
    let text = format!("{error} {error:?} {error:#?} {}", error.message());
    assert!(!text.contains(PASSWORD) && !text.contains(ENCODED), "{text}");
}

fn millis(start: Instant) -> u128 {
    start.elapsed().as_millis()
}

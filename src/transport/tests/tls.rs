use super::*;
use crate::transport::Sent;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::path::PathBuf;

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A certificate and its key, in PEM form.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) cert: String,
    key: String,
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn self_signed(params: &CertificateParams) -> Pair {
    let key = KeyPair::generate().unwrap();
    Pair { cert: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

/// A CA, and a certificate that it signed.
pub(super) fn signed(names: &[&str]) -> (Pair, Pair) {
    let mut ca = params(&[]);
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    ca.distinguished_name.push(DnType::CommonName, format!("CA {number}"));
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_pair = Pair { cert: ca.self_signed(&ca_key).unwrap().pem(), key: ca_key.serialize_pem() };
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let cert = params(names).signed_by(&key, &issuer).unwrap().pem();
    (ca_pair, Pair { cert, key: key.serialize_pem() })
}

pub(super) fn file(content: &str) -> PathBuf {
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let path = std::env::temp_dir().join(format!("isymphony-tls-{}-{number}.pem", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

fn ders(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}

fn server_with(pair: &Pair, clients: Option<&Pair>) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(ders(&ca.cert));
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let config = Arc::new(builder.with_single_cert(ders(&pair.cert), key).unwrap());
    Server::wrapped(|_, _| ok("[]"), move |tcp| handshake(config.clone(), tcp))
}

/// The server's side of TLS, without a question for the client's certificate.
pub(super) fn accepting(pair: &Pair) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(ders(&pair.cert), key).unwrap())
}

pub(super) fn handshake(config: Arc<ServerConfig>, tcp: TcpStream) -> Option<StreamOwned<ServerConnection, TcpStream>> {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).ok()?;
    }
    Some(stream)
}

fn config(server: &Server, host: &str) -> Config {
    Config::new(&format!("https://manager:{PASSWORD}@{host}:{}", server.address.port())).unwrap()
}

fn try_get(config: &Config) -> Result<String, Error> {
    get(&Transport::new(config).unwrap(), "x")
}

/// The handshake is refused, with a reason and nothing sent.
fn refused(config: &Config, server: &Server, says: &str) {
    let transport = Transport::new(config).unwrap();
    let error = get(&transport, "x").unwrap_err();
    assert_eq!((error.code(), error.retryable()), (Code::ConnectionFailed, false), "{error}");
    assert!(error.message().contains(says), "{error}");
    let failed = transport.post("x", None, None).unwrap_err();
    assert_eq!((failed.sent, failed.error.code()), (Sent::No, Code::ConnectionFailed));
    assert!(server.requests().is_empty());
}

#[test]
fn a_self_signed_certificate_is_refused_until_it_is_trusted() {
    let pair = self_signed(&params(&["127.0.0.1", "localhost"]));
    let server = server_with(&pair, None);
    // The system's certificates may be missing where this runs; another CA does not help either.
    let mut config = config(&server, "127.0.0.1");
    config.ca_file(file(&signed(&["x"]).0.cert));
    refused(&config, &server, "self-signed");
    refused(&config, &server, "set ca_file");
    // The server's certificate was replaced by one of the same name.
    config.ca_file(file(&self_signed(&params(&["127.0.0.1"])).cert));
    refused(&config, &server, "another key");
    config.ca_file(file(&pair.cert));
    assert_eq!(try_get(&config).unwrap(), "[]");
    assert!(server.requests()[0].contains(ENCODED));
    let transport = Transport::new(&config).unwrap();
    let before = server.connections();
    for _ in 0..5 {
        get(&transport, "x").unwrap();
    }
    assert_eq!(server.connections(), before + 1, "connections are kept in TLS too");
    assert_eq!(transport.post("x", Some("{}"), None).unwrap().status, 200);
}

#[test]
fn a_self_signed_certificate_that_is_a_ca_is_trusted_word_for_word() {
    let mut of_a_ca = params(&["127.0.0.1"]);
    of_a_ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pair = self_signed(&of_a_ca);
    let server = server_with(&pair, None);
    let mut config = config(&server, "127.0.0.1");
    config.ca_file(file(&self_signed(&of_a_ca).cert));
    refused(&config, &server, "CA");
    config.ca_file(file(&pair.cert));
    assert_eq!(try_get(&config).unwrap(), "[]");
}

#[test]
fn a_certificate_that_names_no_host_is_trusted_word_for_word() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut nameless = params(&[]);
        nameless.is_ca = is_ca;
        let pair = self_signed(&nameless);
        let server = server_with(&pair, None);
        let mut config = config(&server, "127.0.0.1");
        config.ca_file(file(&pair.cert));
        assert_eq!(try_get(&config).unwrap(), "[]");
    }
    let (ca, leaf) = signed(&[]);
    let server = server_with(&leaf, None);
    let mut config = config(&server, "127.0.0.1");
    config.ca_file(file(&ca.cert));
    refused(&config, &server, "names no host");
    config.ca_file(file(&leaf.cert));
    assert_eq!(try_get(&config).unwrap(), "[]");
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut other = params(&["pbx.example", "10.0.0.1"]);
        other.is_ca = is_ca;
        let pair = self_signed(&other);
        let server = server_with(&pair, None);
        let mut config = config(&server, "127.0.0.1");
        config.ca_file(file(&pair.cert));
        refused(&config, &server, "for another host");
        refused(&config, &server, "pbx.example");
    }
}

#[test]
fn a_certificate_out_of_its_time_is_refused_even_where_it_is_trusted() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        for (from, until, says) in [(1990, 2000, "expired"), (2900, 2990, "not valid yet")] {
            let mut past = params(&["127.0.0.1"]);
            past.is_ca = is_ca;
            past.not_before = rcgen::date_time_ymd(from, 1, 1);
            past.not_after = rcgen::date_time_ymd(until, 1, 1);
            let pair = self_signed(&past);
            let server = server_with(&pair, None);
            let mut config = config(&server, "127.0.0.1");
            config.ca_file(file(&pair.cert));
            refused(&config, &server, says);
        }
    }
}

#[test]
fn a_private_ca_is_trusted_for_what_it_signed() {
    let (ca, leaf) = signed(&["127.0.0.1"]);
    let server = server_with(&leaf, None);
    let mut config = config(&server, "127.0.0.1");
    config.ca_file(file(&signed(&["127.0.0.1"]).0.cert));
    refused(&config, &server, "not trusted");
    config.ca_file(file(&format!("# our CA\n{}", ca.cert)));
    assert_eq!(try_get(&config).unwrap(), "[]");
}

#[test]
fn verification_can_be_turned_off_on_purpose_alone() {
    let mut past = params(&["pbx.example"]);
    past.not_after = rcgen::date_time_ymd(2000, 1, 1);
    let server = server_with(&self_signed(&past), None);
    assert_eq!(try_get(config(&server, "127.0.0.1").verify(false)).unwrap(), "[]");
}

#[test]
fn a_client_certificate_is_shown() {
    let (ca, leaf) = signed(&["127.0.0.1"]);
    let (client_ca, client) = signed(&["client"]);
    let server = server_with(&leaf, Some(&client_ca));
    let mut config = config(&server, "127.0.0.1");
    config.ca_file(file(&ca.cert));
    let error = try_get(&config).unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed);
    assert!(error.message().contains("client_cert") && !error.retryable(), "{error}");
    config.client_cert(file(&client.cert), file(&client.key));
    assert_eq!(try_get(&config).unwrap(), "[]");
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_reason() {
    let pair = self_signed(&params(&["x"]));
    let other = self_signed(&params(&["x"]));
    let broken = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    let no_cert = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let fails = |config: &mut Config, path: &std::path::Path, says: &str| {
        let error = Transport::new(config).unwrap_err();
        assert_eq!(error.code(), Code::Config);
        let message = error.message();
        assert!(message.contains(path.to_str().unwrap()) && message.contains(says), "{message}");
        assert!(!message.contains("PRIVATE"), "{message}");
    };
    let new = || Config::new("https://pbx").unwrap();
    let missing = PathBuf::from("/nonexistent/ca.pem");
    fails(new().ca_file(&missing), &missing, "No such file");
    for (content, says) in
        [("", "no certificate"), ("hello", "no certificate"), (broken, "not valid PEM"), (no_cert, "none of")]
    {
        let path = file(content);
        fails(new().ca_file(&path), &path, says);
    }
    let (ca, cert, key, other_key) = (file(&pair.cert), file(&pair.cert), file(&pair.key), file(&other.key));
    fails(new().ca_file(&ca).client_cert(&missing, &key), &missing, "No such file");
    fails(new().ca_file(&ca).client_cert(&cert, &missing), &missing, "No such file");
    fails(new().ca_file(&ca).client_cert(&cert, &cert), &cert, "no private key");
    fails(new().ca_file(&ca).client_cert(&cert, &other_key), &cert, "does not fit the key");
    Transport::new(new().ca_file(&ca).client_cert(&cert, &key)).unwrap();
    Transport::new(new().verify(false)).unwrap();
}

#[test]
fn the_wrong_scheme_is_told() {
    let plain = Server::new(|_, _| send("HTTP/1.1 400 Bad Request\r\n\r\n"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    let mut tls = Config::new(&format!("https://{address}")).unwrap();
    tls.verify(false);
    let error = try_get(&tls).unwrap_err();
    assert!(error.message().contains("does not speak TLS; use http://"), "{error}");
    let server = server_with(&self_signed(&params(&["x"])), None);
    let error = try_get(&Config::new(&format!("http://{}", server.address)).unwrap()).unwrap_err();
    assert!(matches!(error.code(), Code::BadAnswer | Code::ConnectionFailed), "{error}");
    assert!(plain.requests().is_empty());
}

#[test]
fn a_handshake_that_is_cut_may_be_tried_again() {
    // One closes when it has read everything, which is an end; the other before, which is a reset.
    for read in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                if read {
                    let _ = stream.read(&mut [0; 4096]);
                } else {
                    let _ = stream.peek(&mut [0; 1]);
                }
            }
        });
        let mut config = Config::new(&format!("https://{address}")).unwrap();
        config.verify(false);
        let error = try_get(&config).unwrap_err();
        assert_eq!((error.code(), error.retryable()), (Code::ConnectionFailed, true), "{error}");
        assert!(error.message().contains("perhaps this is not a port for TLS"), "{error}");
        assert_eq!(crate::transport::stage(&error), "tls");
        let failed = Transport::new(&config).unwrap().post("x", None, None).unwrap_err();
        assert_eq!((failed.sent, failed.error.retryable()), (Sent::No, true));
    }
}

#[test]
fn a_server_that_speaks_only_an_old_version_is_refused() {
    // A ServerHello that chooses TLS 1.0, as such a server would answer.
    let mut hello = vec![0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x13, 0]);
    let alert = vec![0x15, 3, 1, 0, 2, 2, 70];
    for reply in [hello, alert] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&reply);
                let _ = stream.read(&mut [0; 4096]);
            }
        });
        let mut config = Config::new(&format!("https://{address}")).unwrap();
        let error = try_get(config.verify(false)).unwrap_err();
        assert_eq!((error.code(), error.retryable()), (Code::ConnectionFailed, false), "{error}");
        assert!(error.message().contains("TLS 1.2 or newer is needed"), "{error}");
    }
}

#[test]
fn a_handshake_is_bounded_and_ends_with_the_client() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten() {
            kept.push(stream);
            seen.send(()).unwrap();
        }
    });
    let mut config = Config::new(&format!("https://{address}")).unwrap();
    config.verify(false).connect_timeout(Duration::from_millis(200)).unwrap();
    let start = Instant::now();
    let error = try_get(&config).unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed);
    assert!((200..2000).contains(&millis(start)) && error.message().contains("within 200ms"), "{error}");
    wait.recv().unwrap();
    config.connect_timeout(Duration::from_secs(20)).unwrap();
    let transport = Arc::new(Transport::new(&config).unwrap());
    let running = {
        let transport = transport.clone();
        std::thread::spawn(move || code(get(&transport, "x")))
    };
    wait.recv().unwrap();
    std::thread::sleep(Duration::from_millis(30));
    let start = Instant::now();
    transport.close();
    assert_eq!(running.join().unwrap(), Code::Closed);
    assert!(millis(start) < 1_000, "{} ms", millis(start));
}

#[test]
fn tls_goes_through_a_proxy_to_the_server() {
    let pair = self_signed(&params(&["pbx.invalid"]));
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(ders(&pair.cert), key)
        .unwrap();
    let tls = Arc::new(tls);
    let connects = Arc::new(Mutex::new(Vec::new()));
    let log = connects.clone();
    // Proxy and server in one: it answers CONNECT in the clear, and the rest inside TLS.
    let proxy = Server::wrapped(
        |_, _| ok("[]"),
        move |mut tcp| {
            log.lock().unwrap().push(read_request(&mut tcp)?);
            tcp.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
            handshake(tls.clone(), tcp)
        },
    );
    let mut config = Config::new(&format!("https://manager:{PASSWORD}@pbx.invalid")).unwrap();
    config.proxy(Some(&format!("http://{}", proxy.address))).unwrap().ca_file(file(&pair.cert));
    assert_eq!(try_get(&config).unwrap(), "[]");
    assert!(proxy.requests()[0].contains(ENCODED));
    config.ca_file(file(&signed(&["x"]).0.cert));
    let transport = Transport::new(&config).unwrap();
    let failed = transport.post("x", None, None).unwrap_err();
    assert_eq!((failed.sent, failed.error.code()), (Sent::No, Code::ConnectionFailed));
    assert!(failed.error.message().contains("not trusted"), "{}", failed.error);
    let connects = connects.lock().unwrap();
    assert_eq!(connects.len(), 2);
    assert!(
        connects.iter().all(|request| request.starts_with("CONNECT pbx.invalid:55050") && !request.contains(ENCODED))
    );
}

use super::*;

fn refused(url: &str) -> String {
    let error = Config::new(url).unwrap_err();
    assert_eq!(error.code(), Code::Config, "{url}");
    error.to_string()
}

#[test]
fn a_url_is_taken_apart() {
    for (url, origin) in [
        ("http://pbx", "http://pbx:58080"),
        ("https://pbx", "https://pbx:55050"),
        ("HTTP://PBX:80/", "http://pbx:80"),
        ("http://[::1]:1/communication_manager", "http://[::1]:1"),
        ("http://10.0.0.1/communication_manager/", "http://10.0.0.1:58080"),
        ("http://pbx/communication_manager/rest/live/", "http://pbx:58080"),
        ("http://pbx/communication_manager/rest/live", "http://pbx:58080"),
    ] {
        let config = Config::new(url).unwrap();
        assert_eq!(config.get_origin(), origin, "{url}");
        assert!(config.get_credentials().is_none());
        assert_eq!(config.get_base_url(), format!("{origin}/communication_manager/rest/live/"));
    }
    let config = Config::new("http://m%C3%BCller:p%40ss%3A%2F@pbx").unwrap();
    let (user, password) = config.get_credentials().unwrap();
    assert_eq!((user, password.expose()), ("müller", "p@ss:/"));
}

#[test]
fn a_bad_url_is_refused_without_repeating_it() {
    for (url, says) in [
        ("", "empty"),
        ("hunter2", "no scheme"),
        ("hunter2://pbx", "scheme"),
        ("http://", "no host"),
        ("http://u:hunter2@", "no host"),
        ("http://u:hunter2@p bx", "blank"),
        ("http://u:hunter2@pbx:0", "port"),
        ("http://u:hunter2@pbx:70000", "port"),
        ("http://u:hunter2@pbx:+1", "port"),
        ("http://u:hunter2/x@pbx", "port"),
        ("http://u:1/hunter2@pbx", "path"),
        ("http://u:hunter2@pbx/x", "path"),
        ("http://u:hunter2@pbx/communication_managerx", "path"),
        ("http://u:hunter2@pbx/communication", "path"),
        ("http://u:hunter2@pbx?a", "query"),
        ("http://u:hunter2@pbx#a", "fragment"),
        ("http://u:hunter2@::1", "brackets"),
        ("http://u:hunter2@[x]:1", "brackets"),
        ("http://u:hunter2%@pbx", "'%'"),
        ("http://u:hunter2%ff@pbx", "UTF-8"),
        ("http://:hunter2@pbx", "user name is empty"),
        ("http://hunter2%3Au:x@pbx", "':'"),
        ("http://pbx\r\n", "control"),
        ("http://hunter2é", "characters"),
    ] {
        let message = refused(url);
        assert!(message.contains(says), "{url}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn no_secret_in_debug() {
    let mut config = Config::new("http://u:hunter2@pbx").unwrap();
    config.proxy(Some("http://a:hunter3@proxy:3128")).unwrap();
    let text = format!("{config:?} {config:#?}");
    assert!(!text.contains("hunter") && text.contains("***"), "{text}");
    assert_eq!(config.get_proxy().unwrap(), "http://proxy:3128");
    assert!(config.proxy(Some("socks5://a:hunter3@proxy")).unwrap_err().to_string().contains("http or https"));
    config.proxy(None).unwrap();
    assert_eq!(config.get_proxy(), None);
    assert_eq!(format!("{:?} {}", Secret::from("x"), Secret::from("x")), "*** ***");
}

#[test]
fn impossible_values_are_refused_and_change_nothing() {
    let mut config = Config::new("http://pbx").unwrap();
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(config.max_requests_per_second(rate).unwrap_err().code(), Code::Config);
    }
    assert!(config.connections(0).is_err());
    assert!(config.connect_timeout(Duration::ZERO).is_err());
    assert!(config.connect_timeout(Duration::MAX).is_err());
    assert!(config.backoff(Duration::from_secs(2), Duration::from_secs(1)).is_err());
    assert!(config.cadence(Kind::Agent, Duration::from_secs(2), Duration::from_secs(1)).is_err());
    assert!(config.credentials("", "x").is_err() && config.credentials("a:b", "x").is_err());
    assert!(config.core_servers([""]).is_err());
    assert!(config.header_limit(1 << 30).is_err());
    assert_eq!(config.get_max_requests_per_second(), None);
    assert_eq!(config.get_connections(), 4);
    assert_eq!(config.get_connect_timeout(), Duration::from_secs(3));
    assert_eq!(config.get_backoff(), (Duration::from_millis(500), Duration::from_secs(60)));
    assert_eq!(config.get_cadence(Kind::Agent), Cadence::seconds(1, 5));
    assert_eq!(config.get_body_limit(), 256 << 20);
    assert!(config.get_credentials().is_none() && config.get_core_servers().is_none());
}

#[test]
fn settings_that_contradict_are_found() {
    let mut config = Config::new("http://pbx").unwrap();
    config.validate().unwrap();
    config.ca_file("ca.pem");
    assert!(config.validate().unwrap_err().to_string().contains("ca_file is set, but the URL says http"));
    let mut config = Config::new("https://pbx").unwrap();
    config.ca_file("ca.pem").verify(true).validate().unwrap();
    assert!(config.verify(false).validate().unwrap_err().to_string().contains("leave one of them out"));
}

#[test]
fn actions_can_be_moved() {
    let mut config = Config::new("http://pbx").unwrap();
    assert_eq!(config.get_action_path(Kind::Extension, "originate"), Some("originate"));
    config.action_path(Kind::Extension, "originate", "calls/new call").unwrap();
    assert_eq!(config.get_action_path(Kind::Extension, "originate"), Some("calls/new%20call"));
    for bad in ["", "/", "a/", "..", "a/../b", "a\nb", "."] {
        assert_eq!(config.action_path(Kind::Extension, "originate", bad).unwrap_err().code(), Code::Config, "{bad}");
    }
    assert!(config.action_path(Kind::Extension, "fly", "x").unwrap_err().to_string().contains("originate"));
    config.action_body_key(Kind::Extension, "originate", "destination", "number").unwrap();
    assert_eq!(config.get_action_body_key(Kind::Extension, "originate", "destination"), Some("number"));
    assert_eq!(config.get_action_body_key(Kind::CallSegment, "transfer", "destination"), Some("destination"));
    assert!(config.action_body_key(Kind::Extension, "originate", "x", "y").is_err());
    assert!(config.action_body_key(Kind::Extension, "originate", "destination", "").is_err());
    assert_eq!(config.get_action_path(Kind::Login, "x"), None);
}

#[test]
fn actions_that_would_take_each_others_place_are_found() {
    let refused = |change: &dyn Fn(&mut Config), says: &str| {
        let mut config = Config::new("http://pbx").unwrap();
        change(&mut config);
        let error = config.validate().unwrap_err();
        assert_eq!(error.code(), Code::Config);
        assert!(error.message().contains(says), "{error}");
    };
    let path = |config: &mut Config, action: &str, path: &str| {
        config.action_path(Kind::Queue, action, path).unwrap();
    };
    refused(&|config| path(config, "login", "logout"), "login and logout of a Queue are both at \"logout\"");
    refused(&|config| path(config, "login", "agents"), "login of a Queue is at \"agents\", which is a sub resource");
    refused(
        &|config| {
            config.overlay("[subs.\"Queue.in\"]\nkind = \"raw\"").unwrap();
            path(config, "login", "in");
        },
        "login of a Queue is at \"in\", which is a sub resource",
    );
    refused(
        &|config| _ = config.action_body_key(Kind::Status, "set", "note", "name").unwrap(),
        "the arguments name and note of Status.set have the same key \"name\"",
    );
    let mut config = Config::new("http://pbx").unwrap();
    path(&mut config, "login", "logout");
    path(&mut config, "logout", "login");
    config.validate().unwrap();
    path(&mut config, "logout", "out");
    config
        .overlay("[actions.\"Agent.pause\"]\npath = \"unpause\"\n[actions.\"Agent.unpause\"]\nabsent = true")
        .unwrap();
    config.validate().unwrap();
}

#[test]
fn kinds_limit_and_core_servers_always_stay() {
    let mut config = Config::new("http://pbx").unwrap();
    assert!(Kind::ALL.iter().all(|kind| config.wants(*kind)));
    config.kinds([Kind::Queue, Kind::Agent, Kind::Agent]);
    assert_eq!(config.get_kinds(), Some(&[Kind::Queue, Kind::Agent][..]));
    assert!(config.wants(Kind::CoreServer) && config.wants(Kind::Agent) && !config.wants(Kind::User));
    config.kinds([]);
    assert!(config.wants(Kind::User));
}

#[test]
fn a_rate_that_cannot_keep_the_cadences_is_a_contradiction() {
    let mut config = Config::new("http://pbx").unwrap();
    config.max_requests_per_second(0.6).unwrap();
    let error = config.validate().unwrap_err();
    assert_eq!(error.code(), Code::Config);
    assert!(error.message().contains("max_requests_per_second is 0.6"), "{error}");
    config.cadence(Kind::CallSegment, Duration::from_secs(1), Duration::from_secs(30)).unwrap();
    config.validate().unwrap();
    // Each core server has lists of its own.
    config.core_servers(["a", "b"]).unwrap();
    assert!(config.validate().is_err());
    config.kinds([Kind::User]);
    config.validate().unwrap();
    config.max_requests_per_second(1.0).unwrap();
    config.validate().unwrap();
}

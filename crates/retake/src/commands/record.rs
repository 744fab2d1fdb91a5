//! `retake record`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use retake_intercept::capture::Ability;
use retake_intercept::{AddressError, DepSpec, EnvDependency, env_dependency};
use retake_model::Ledger;
use retake_runner::capture::Known;
use retake_runner::installation::CERTIFICATES_HINT;
use retake_runner::record::{ForwardOptions, Progress, RecordError, RecordOptions, record as run};
use retake_runner::service::OutputTo;
use retake_store::{RecordSettings, WriteMode};

use super::forward::chain;
use super::instead::{self, Named};
use super::{Home, nothing};
use crate::cli::RecordArgs;
use crate::failure::{Failure, GAP, SURROUNDINGS, USAGE};
use crate::interrupt::Interrupt;
use crate::output;

/// The set's name where none was given.
const DEFAULT_SET: &str = "recorded";

/// Records until it is ended, and prints the ledger.
///
/// # Errors
/// Wrong usage, or surroundings that do not let it record.
pub async fn record(home: &Home, args: RecordArgs) -> Result<u8, Failure> {
    let json = args.json;
    let options = options(home, args)?;
    let folder = options.store.root().join(&options.set);
    let front = options.inbound.as_ref().map(|(listen, _)| *listen);
    let captured = options.capture.as_ref().is_some_and(Ability::inbound);
    let interrupt = Interrupt::listen()?;
    let bar = spinner();
    let shown = bar.clone();
    let recorded = run(options, interrupt.asked(), move |progress| match progress {
        Progress::Listening(listens) => {
            for listen in listens {
                let whom = listen.dependency.as_deref().unwrap_or("the service");
                tracing::info!(
                    "listening on {} for {whom} ({})",
                    listen.addr,
                    listen.upstream
                );
            }
        }
        Progress::Forwarding(addr) => tracing::info!("listening on {addr} as a forward proxy"),
        Progress::Recording => shown.set_message("recording; Ctrl-C ends it"),
        Progress::Kept(kept) => shown.set_position(kept),
    })
    .await;
    bar.finish_and_clear();
    let recorded = recorded.map_err(failure)?;
    print_ledger(&recorded.ledger, &folder, json)?;
    if let Some(failed) = recorded.failed {
        let what = anyhow::anyhow!("not everything could be written: {failed}");
        return Err(Failure::new(SURROUNDINGS, what)
            .hint("the ledger says what was not kept; the traffic was not disturbed"));
    }
    let lacks_tests = nothing::lacks_tests(&recorded, front);
    if lacks_tests && !nothing::is_all(&recorded.ledger) && !json {
        output::line("no test was recorded: only calls outside of requests")?;
    }
    let code = match recorded.command_ended.as_deref() {
        None | Some("ended with exit code 0") if lacks_tests => GAP,
        None | Some("ended with exit code 0") => 0,
        Some(how) => {
            let so = match nothing::is_all(&recorded.ledger) {
                true => "",
                false => "; what it did until then is recorded",
            };
            output::tell(format_args!("the command {how}{so}"));
            SURROUNDINGS
        }
    };
    let hint = lacks_tests.then(|| nothing::hint(&recorded, front, captured));
    if let Some(hint) = hint.flatten() {
        let cyan = anstyle::AnsiColor::Cyan.on_default();
        output::tell(format_args!("{cyan}hint{cyan:#}: {hint}"));
    }
    Ok(code)
}

/// Prints how many tests were kept in the set's folder, what was seen and what became of it.
///
/// # Errors
/// Stdout cannot be written.
pub fn print_ledger(ledger: &Ledger, set: &Path, json: bool) -> Result<(), Failure> {
    if json {
        return output::line(retake_report::ledger_json(ledger).trim_end());
    }
    let bold = anstyle::Style::new().bold();
    if nothing::is_all(ledger) {
        output::line(format_args!("{bold}nothing was recorded{bold:#}"))?;
    } else {
        let tests = match ledger.inbound.kept {
            1 => "1 test".to_owned(),
            kept => format!("{kept} tests"),
        };
        let set = set.display();
        output::line(format_args!("recorded {tests} into {bold}{set}{bold:#}"))?;
    }
    output::line(retake_report::ledger_table(ledger).trim_end())
}

fn options(home: &Home, args: RecordArgs) -> Result<RecordOptions, Failure> {
    let settings = home.settings()?;
    let tls = super::tls::settings(settings.tls, args.cert.as_ref().zip(args.key.as_ref()))?;
    let settings = settings.record;
    let inbound = inbound(&args, &settings)?;
    let (deps, mut env_deps) = dependencies(&args.deps, &args.dep_env, &settings)?;
    let mut forward = forward(&args, &settings)?;
    let capture = super::capture::ability(args.no_capture, &args.command, false)?;
    let captures = capture.as_ref().is_some_and(Ability::captures);
    if let (Some(ability), Some(program)) = (&capture, args.command.first()) {
        let named = Named {
            inbound: inbound.is_some(),
            dependencies: !(deps.is_empty() && env_deps.is_empty()),
            proxy: forward.is_some(),
        };
        let instead = instead::of_capture(ability, program, &named)?;
        env_deps.extend(instead.env_deps);
        if let Some(listen) = instead.proxy {
            let behind = args.upstream_proxy.as_ref();
            let behind = behind.or(settings.upstream_proxy.as_ref());
            let chain = chain(behind.map(String::as_str))?;
            forward = Some(ForwardOptions { listen, chain });
        }
    }
    let inbound_tls = args.tls || args.cert.is_some();
    let captures_clients = capture.as_ref().is_some_and(Ability::inbound);
    if inbound_tls {
        service_tls(&args, inbound.is_some(), captures_clients)?;
    }
    let nothing_named = inbound.is_none() && deps.is_empty() && env_deps.is_empty();
    if !captures && nothing_named && forward.is_none() {
        return Err(Failure::usage("there is nothing to record").hint(
            "put the service's command behind `--` to have its connections captured (without --no-capture); or name the \
             service with --listen and --upstream, its dependencies with --dep or --dep-env, or lead it through --proxy",
        ));
    }
    if args.command.is_empty() && !env_deps.is_empty() {
        return Err(
            Failure::usage("--dep-env needs a command to give the changed variable to")
                .hint("put the service's command behind `--`, or use --dep with fixed addresses"),
        );
    }
    Ok(RecordOptions {
        store: home.store.clone(),
        set: args.set.unwrap_or_else(|| DEFAULT_SET.to_owned()),
        mode: if args.append {
            WriteMode::Append
        } else {
            WriteMode::Replace
        },
        inbound,
        inbound_tls,
        tls,
        deps,
        env_deps,
        capture,
        names: captured_names(&settings),
        forward,
        command: args.command,
        output: OutputTo::Terminal,
        duration: args.duration,
        workers: args
            .workers
            .or(settings.workers)
            .unwrap_or_else(default_workers)
            .max(1),
        keep_repeats: args.keep_repeats,
        redact: settings.redact,
        exclude: settings.exclude,
        state: state_folder()?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Says whom the clients of a service that serves TLS are to trust.
///
/// # Errors
/// Nothing stands before them.
fn service_tls(args: &RecordArgs, listens: bool, captures: bool) -> Result<(), Failure> {
    if !listens && !captures {
        return Err(Failure::usage(
            "--tls and --cert are for clients of the service, which are not captured",
        )
        .hint("name where they connect with --listen, and the service with --upstream"));
    }
    if args.cert.is_none() {
        output::tell(
            "clients of the service are shown a certificate of retake's own: those that verify it \
             have to trust the file that `retake ca` prints (or give the service's own certificate: \
             --cert FILE --key FILE)",
        );
    }
    Ok(())
}

/// The names of captured dependencies: those of the settings that say their hosts.
fn captured_names(settings: &RecordSettings) -> Vec<Known> {
    let dependencies = settings.dependencies.iter();
    let names = dependencies.flat_map(|dependency| {
        dependency.hosts.iter().map(|host| {
            let (host, port) = match host.rsplit_once(':') {
                Some((before, port)) if !before.contains(':') || before.ends_with(']') => {
                    (before, port.parse().ok())
                }
                _ => (host.as_str(), None),
            };
            Known {
                name: dependency.name.as_str().into(),
                host: host.trim_matches(['[', ']']).to_owned(),
                port,
            }
        })
    });
    names.collect()
}

/// The forward proxy of the command line, else of the settings.
fn forward(
    args: &RecordArgs,
    settings: &RecordSettings,
) -> Result<Option<ForwardOptions>, Failure> {
    let listen = match (args.proxy, &settings.proxy) {
        (Some(listen), _) => listen,
        (None, Some(text)) => text.parse().map_err(|_| {
            Failure::usage(format!(
                "record.proxy: `{text}` is no address such as 127.0.0.1:18080"
            ))
        })?,
        (None, None) => return Ok(None),
    };
    let behind = args
        .upstream_proxy
        .as_ref()
        .or(settings.upstream_proxy.as_ref());
    let chain = chain(behind.map(String::as_str))?;
    Ok(Some(ForwardOptions { listen, chain }))
}

fn inbound(
    args: &RecordArgs,
    settings: &RecordSettings,
) -> Result<Option<(SocketAddr, String)>, Failure> {
    let listen = match (args.listen, &settings.listen) {
        (Some(listen), _) => Some(listen),
        (None, Some(text)) => Some(text.parse().map_err(|_| {
            Failure::usage(format!(
                "record.listen: `{text}` is no address such as 127.0.0.1:8080"
            ))
        })?),
        (None, None) => None,
    };
    match (
        listen,
        args.upstream.clone().or_else(|| settings.upstream.clone()),
    ) {
        (Some(listen), Some(upstream)) => Ok(Some((listen, upstream))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(Failure::usage(
            "--listen needs --upstream, the address of the service",
        )),
        (None, Some(_)) => Err(Failure::usage(
            "--upstream needs --listen, the address for clients",
        )
        .hint("send requests to that address; retake hands them on to the service")),
    }
}

/// The dependencies of the command line, else those of the settings.
fn dependencies(
    fixed: &[String],
    variables: &[String],
    settings: &RecordSettings,
) -> Result<(Vec<DepSpec>, Vec<EnvDependency>), Failure> {
    let mut deps = Vec::new();
    let mut env_deps = Vec::new();
    for text in fixed {
        deps.push(DepSpec::parse(text).map_err(address_failure)?);
    }
    for variable in variables {
        env_deps.push(from_environment(variable)?);
    }
    if !fixed.is_empty() || !variables.is_empty() {
        return Ok((deps, env_deps));
    }
    for dep in &settings.dependencies {
        match (&dep.env, &dep.url, &dep.listen) {
            (Some(variable), _, _) => {
                let mut env = from_environment(variable)?;
                env.dep.name = dep.name.as_str().into();
                env_deps.push(env);
            }
            (None, Some(url), Some(listen)) => {
                let text = format!("{}={url}@{listen}", dep.name);
                deps.push(DepSpec::parse(&text).map_err(address_failure)?);
            }
            _ if !dep.hosts.is_empty() => {}
            _ => {
                let what = format!(
                    "dependency `{}` needs `env`, or `url` and `listen`",
                    dep.name
                );
                return Err(Failure::usage(what));
            }
        }
    }
    Ok((deps, env_deps))
}

fn from_environment(variable: &str) -> Result<EnvDependency, Failure> {
    let value = std::env::var(variable).map_err(|_| {
        Failure::usage(format!("the variable {variable} is not set"))
            .hint("set it to the dependency's real address, as the service needs it")
    })?;
    let env = env_dependency(variable, &value).map_err(address_failure)?;
    if let Some(warning) = &env.warning {
        output::tell(format_args!("warning: {variable}: {warning}"));
    }
    Ok(env)
}

/// The folder of this installation's key.
///
/// # Errors
/// Neither HOME nor XDG_STATE_HOME is set.
pub fn state_folder() -> Result<PathBuf, Failure> {
    retake_runner::installation::state_folder().ok_or_else(|| {
        Failure::usage("there is no folder for the key of redaction")
            .hint("set HOME or XDG_STATE_HOME to an absolute path")
    })
}

/// Half of the cores, so that the service keeps the other half; 4 at the most.
fn default_workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (cores / 2).clamp(1, 4)
}

fn address_failure(error: AddressError) -> Failure {
    let hint = error.hint.clone();
    Failure::new(USAGE, error.into()).hint(hint)
}

fn failure(error: RecordError) -> Failure {
    let hint = match &error {
        RecordError::Command(start) => Some(start.hint()),
        RecordError::Proxy(start) => Some(start.hint().to_owned()),
        RecordError::Key { .. } => {
            Some("make the folder writable, or set XDG_STATE_HOME".to_owned())
        }
        RecordError::Tls(_) => Some(CERTIFICATES_HINT.to_owned()),
        RecordError::Store(refused) => refused.hint().map(str::to_owned),
        RecordError::Thread(_) => None,
    };
    let failure = Failure::new(SURROUNDINGS, error.into());
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What shows on a terminal while the recording goes on.
fn spinner() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    let template = "{spinner} {msg} ({pos} exchanges kept, {elapsed})";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

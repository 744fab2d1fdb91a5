//! `retake demo`: a built-in service, recorded and replayed before the user's eyes.

mod postgres;
mod shop;
mod world;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use hyper::Method;
use retake_intercept::{Listen, env_dependency};
use retake_proxy::tls::TlsSettings;
use retake_runner::ready::{self, Ready};
use retake_runner::record::{Progress, RecordOptions, record};
use retake_runner::service::OutputTo;
use retake_runner::store;
use retake_store::{RedactSettings, WriteMode};
use serde_json::json;
use tokio::sync::oneshot;

pub use shop::Build;

use crate::cli::{DemoArgs, DemoServiceArgs, ReplayArgs};
use crate::commands::{print_ledger, replay_with, retake, state_folder};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use world::World;

/// The variables that tell the shop its dependencies' addresses.
const DATABASE: &str = "SHOP_DATABASE";
const PAYMENTS: &str = "SHOP_PAYMENTS";

/// The test set's name.
const SET: &str = "shop";

/// How long the shop may take to start.
const START: Duration = Duration::from_secs(10);

/// Records the shop, replays it against both builds, and says what there is to look at.
///
/// # Errors
/// Something that is needed on this machine is not to be had: a port, a writable folder.
pub async fn run(args: &DemoArgs) -> Result<u8, Failure> {
    let interrupt = Interrupt::listen()?;
    let store_folder = args.out.join("retake");
    let shop = free_address()?;

    say("1. Record a shop: its requests, its database, its payments service")?;
    record_shop(&store_folder, &shop, &interrupt).await?;

    say("2. Stop the database and the payments service. Replay against the same build")?;
    let same = replay_build(&store_folder, Build::Good, &shop, &interrupt).await?;

    say("3. Replay against a build with a planted regression")?;
    let changed = replay_build(&store_folder, Build::Changed, &shop, &interrupt).await?;

    say("Have a look")?;
    let folder = store_folder.display();
    let retake = retake(&store(store_folder.clone()));
    output::line(format_args!(
        "  {folder}/{SET}/tests   one file a test, with the calls that belong to it
  {folder}/runs         the two runs
  {retake} report --format junit"
    ))?;
    if (same, changed) == (0, 1) {
        Ok(0)
    } else {
        let what =
            anyhow::anyhow!("the demo should have ended with 0 and 1, not {same} and {changed}");
        Err(what.into())
    }
}

/// The shop itself, as a process of its own.
///
/// # Errors
/// A dependency cannot be reached, or the address is taken.
pub async fn serve(args: &DemoServiceArgs) -> Result<u8, Failure> {
    let address = |variable: &str| {
        let url = std::env::var(variable).with_context(|| format!("{variable} is not set"))?;
        let authority = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        anyhow::Ok(authority.rsplit('@').next().unwrap_or_default().to_owned())
    };
    let addresses = shop::Addresses {
        listen: args.listen.clone(),
        database: address(DATABASE)?,
        payments: address(PAYMENTS)?,
    };
    shop::serve(args.build, addresses).await?;
    Ok(0)
}

async fn record_shop(folder: &Path, shop: &str, interrupt: &Interrupt) -> Result<(), Failure> {
    let world = World::start()?;
    let variable = |name: &str, dependency: &str, url: String| {
        env_dependency(name, &url).map(|mut env| {
            env.dep.name = dependency.into();
            env
        })
    };
    let options = RecordOptions {
        store: store(folder.to_owned()),
        set: SET.to_owned(),
        mode: WriteMode::Replace,
        inbound: Some((SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), shop.to_owned())),
        inbound_tls: false,
        tls: TlsSettings::default(),
        deps: Vec::new(),
        env_deps: vec![
            variable(
                DATABASE,
                "db",
                format!("postgres://shop@{}/shop", world.database()),
            )?,
            variable(
                PAYMENTS,
                "payments",
                format!("http://{}/", world.payments()),
            )?,
        ],
        capture: None,
        names: Vec::new(),
        forward: None,
        command: command(Build::Good, shop)?,
        output: OutputTo::Terminal,
        duration: None,
        workers: 1,
        keep_repeats: false,
        redact: RedactSettings::default(),
        exclude: Vec::new(),
        state: state_folder()?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let (tell, listening) = oneshot::channel();
    let traffic = tokio::spawn(traffic(listening, shop.to_owned()));
    let abort = traffic.abort_handle();
    let tell = std::sync::Arc::new(std::sync::Mutex::new(Some(tell)));
    let stop = async {
        tokio::select! {
            _ = traffic => {}
            () = interrupt.clone().asked() => {}
        }
    };
    let recorded = record(options, stop, move |progress| {
        if let Progress::Listening(listens) = progress
            && let Some(tell) = tell.lock().ok().and_then(|mut tell| tell.take())
        {
            let _ = tell.send(listens);
        }
    })
    .await;
    abort.abort();
    print_ledger(&recorded?.ledger, &folder.join(SET), false)?;
    Ok(())
}

/// What customers do, while it is recorded.
async fn traffic(listening: oneshot::Receiver<Vec<Listen>>, shop: String) -> anyhow::Result<()> {
    let listens = listening.await?;
    let front = listens
        .iter()
        .find(|l| l.dependency.is_none())
        .context("no front")?
        .addr
        .to_string();
    ready::wait(&shop, &Ready::Port(None), START, &mut None).await?;
    shop::visit(&front, Method::GET, "/items", None).await?;
    for (sku, qty) in [
        ("A1", 1),
        ("A1", 2),
        ("B2", 3),
        ("C3", 5),
        ("D4", 1),
        ("D4", 99),
        ("X9", 1),
    ] {
        shop::visit(&front, Method::GET, &format!("/items/{sku}"), None).await?;
        let order = json!({"sku": sku, "qty": qty});
        let placed = shop::visit(&front, Method::POST, "/orders", Some(order)).await?;
        if let Some(id) = placed.get("id").and_then(serde_json::Value::as_str) {
            shop::visit(&front, Method::GET, &format!("/orders/{id}"), None).await?;
        }
    }
    shop::visit(&front, Method::POST, "/orders", Some(json!({"sku": "A1"}))).await?;
    shop::visit(&front, Method::GET, "/baskets", None).await?;
    Ok(())
}

async fn replay_build(
    folder: &Path,
    build: Build,
    shop: &str,
    interrupt: &Interrupt,
) -> Result<u8, Failure> {
    let args = ReplayArgs {
        command: command(build, shop)?,
        ..ReplayArgs::default()
    };
    replay_with(
        &store(folder.to_owned()),
        retake_store::Settings::default(),
        args,
        interrupt,
    )
    .await
}

fn command(build: Build, shop: &str) -> Result<Vec<String>, Failure> {
    let retake = std::env::current_exe()?.to_string_lossy().into_owned();
    let build = match build {
        Build::Good => "good",
        Build::Changed => "changed",
    };
    let words = [
        retake.as_str(),
        "demo-service",
        "--build",
        build,
        "--listen",
        shop,
    ];
    Ok(words.map(str::to_owned).to_vec())
}

/// A port that is free now. Somebody may take it before the shop does; then the shop says so.
fn free_address() -> Result<String, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.to_string())
}

fn say(what: &str) -> Result<(), Failure> {
    let bold = anstyle::Style::new().bold();
    output::line(format_args!("\n{bold}{what}{bold:#}"))
}

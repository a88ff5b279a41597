//! The command line.

mod annotate;
mod audit;
mod remote;
mod run;

pub use run::Ended;

use crate::{
    access::{cli as access, proof::cli as proof, roles::Roles, tokens::NewToken},
    config::{Config, TlsConfig, default_data_dir},
    db, telemetry, tls,
};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use farol_model::Grants;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Time for the last spans, where the drain has left less.
const LAST_SPANS: Duration = Duration::from_secs(1);

/// Farol, a live operations dashboard.
#[derive(Debug, Parser)]
#[command(name = "farol", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch this machine and serve the dashboard
    Serve(ServeArgs),
    /// Read the configuration, say what is wrong with it, and stop
    CheckConfig(ConfigArgs),
    /// Manage who may sign in; works beside a running server
    #[command(subcommand)]
    User(UserCommand),
    /// Manage API tokens; works beside a running server
    #[command(subcommand)]
    Token(TokenCommand),
    /// Manage who is signed in; works beside a running server
    #[command(subcommand)]
    Session(SessionCommand),
    /// Verify and export the audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Print the description of the live protocol as an AsyncAPI document
    Asyncapi,
    /// Print the description of the REST API as an OpenAPI document
    Openapi,
    /// Start an action of a running server, and follow it
    Run(run::RunArgs),
    /// Mark on the charts of a running server what happened
    Annotate(annotate::AnnotateArgs),
    /// Print publications of a running server as they come
    Tail(remote::TailArgs),
    /// List who is connected to a running server
    Connections(remote::ConnectionsArgs),
    /// End one connection of a running server
    Disconnect(remote::DisconnectArgs),
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "FAROL_LISTEN", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    config: ConfigArgs,
}

/// They go before the configuration's.
#[derive(Debug, Args)]
struct TlsArgs {
    /// Certificate and chain in PEM, the server's own first; connections are encrypted with it
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Encrypt with a certificate that Farol makes itself; browsers warn of it
    #[arg(long, conflicts_with = "tls_cert")]
    tls_self_signed: bool,
}

impl TlsArgs {
    fn over(self, config: &mut Config) -> anyhow::Result<()> {
        if self.tls_cert.is_some() || self.tls_self_signed {
            config.origin.tls_given = true;
            config.tls = TlsConfig {
                cert: self.tls_cert,
                key: self.tls_key,
                self_signed: self.tls_self_signed,
            };
        }
        match config.tls.problems().first() {
            Some((_, reason)) => anyhow::bail!("{reason}"),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Args)]
struct DataArgs {
    /// Folder of the database; made when missing [default: the user's data folder]
    #[arg(long, env = "FAROL_DATA_DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// Configuration file; without it ./farol.toml is read if there is one
    #[arg(long, env = "FAROL_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a user
    Add {
        name: String,
        /// viewer, operator, admin, or one of the configuration
        #[arg(long)]
        role: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Give a user another role; ends the user's sessions
    Role {
        name: String,
        /// viewer, operator, admin, or one of the configuration
        role: String,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// List roles and what each may do
    Roles {
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Set a new password; ends the user's sessions
    Passwd {
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let a user sign in no more; ends the user's sessions
    Disable {
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let a disabled user sign in again
    Enable {
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Take away a user's authenticator app, recovery codes and passkeys, for who has lost them
    ResetProofs {
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List users
    List {
        #[command(flatten)]
        data: DataArgs,
    },
}

#[derive(Debug, Args)]
struct PasswordArgs {
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make an API token and print it once
    Create {
        /// Whose permissions it carries
        #[arg(long)]
        user: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it is narrowed to, e.g. view_metrics or "run:service.restart on web-*"; may be given more than once. Without
        /// it the token may do all that its user may
        #[arg(long = "allow", value_name = "PERMISSION")]
        allow: Vec<String>,
        /// Days after which it ends by itself
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_days: Option<u32>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List tokens
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let a token run dangerous actions, at which a person would be asked to prove again who they are
    Trust {
        id: i64,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let a token run dangerous actions no more
    Distrust {
        id: i64,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Revoke a token; ends its connections
    Revoke {
        id: i64,
        #[command(flatten)]
        data: DataArgs,
    },
}

#[derive(Debug, Subcommand)]
enum SessionCommand {
    /// List who is signed in, the last seen first
    List {
        /// Of this user only
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// End a session and its connections
    Revoke {
        id: i64,
        #[command(flatten)]
        data: DataArgs,
    },
    /// End all sessions of a user
    RevokeAll {
        #[arg(long)]
        user: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Does what the command line says.
pub async fn execute(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(args) => serve(args).await,
        Command::CheckConfig(args) => {
            let file = config_file(args.config);
            Config::load(file.as_deref())?;
            let shown = file.map_or_else(|| "defaults".to_owned(), |file| file.display().to_string());
            say(&format!("{shown}: good"));
            Ok(())
        }
        Command::User(command) => user(command).await,
        Command::Token(command) => token(command).await,
        Command::Session(command) => session(command).await,
        Command::Asyncapi => {
            say(crate::asyncapi::text().trim_end());
            Ok(())
        }
        Command::Audit(command) => audit::execute(command).await,
        Command::Openapi => {
            say(crate::rest::openapi::text().trim_end());
            Ok(())
        }
        Command::Run(args) => run::run(args).await,
        Command::Annotate(args) => annotate::annotate(args).await,
        Command::Tail(args) => remote::tail(args).await,
        Command::Connections(args) => remote::connections(args).await,
        Command::Disconnect(args) => remote::disconnect(args).await,
    }
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let mut config = Config::load(config_file(args.config.config).as_deref())?;
    args.tls.over(&mut config)?;
    tls::check_listen(&config, args.listen)?;
    let traces = telemetry::log::start(&config)?;
    let data_dir = data_dir(&args.data)?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let shutdown = CancellationToken::new();
    tokio::spawn(cancel_on_signal(shutdown.clone()));
    let drain = Duration::from_secs(config.http.drain_secs);
    let stopping = shutdown.clone();
    let stopped_at = tokio::spawn(async move {
        stopping.cancelled().await;
        Instant::now()
    });
    let ran = crate::run(listener, config, &data_dir, shutdown.clone()).await;
    // It may also have ended without being asked to.
    shutdown.cancel();
    if let (Some(traces), Ok(at)) = (traces, stopped_at.await) {
        traces
            .end(drain.saturating_sub(at.elapsed()).max(LAST_SPANS))
            .await;
    }
    ran
}

async fn user(command: UserCommand) -> anyhow::Result<()> {
    let said = match command {
        UserCommand::Add {
            name,
            role,
            password,
            data,
            config,
        } => {
            let role = known_role(config, role)?;
            let pool = open(&data).await?;
            access::user_add(
                &pool,
                &name,
                role,
                access::read_password(password.password_stdin)?,
            )
            .await?
        }
        UserCommand::Role {
            name,
            role,
            data,
            config,
        } => {
            let role = known_role(config, role)?;
            access::user_role(&open(&data).await?, &name, role).await?
        }
        UserCommand::Roles { config } => access::role_list(&roles(config)?),
        UserCommand::Passwd { name, password, data } => {
            let pool = open(&data).await?;
            access::user_passwd(&pool, &name, access::read_password(password.password_stdin)?).await?
        }
        UserCommand::Disable { name, data } => access::user_disable(&open(&data).await?, &name).await?,
        UserCommand::Enable { name, data } => access::user_enable(&open(&data).await?, &name).await?,
        UserCommand::ResetProofs { name, data } => {
            proof::user_reset_proofs(&open(&data).await?, &name).await?
        }
        UserCommand::List { data } => access::user_list(&open(&data).await?).await?,
    };
    say(&said);
    Ok(())
}

async fn token(command: TokenCommand) -> anyhow::Result<()> {
    let said = match command {
        TokenCommand::Create {
            user,
            name,
            allow,
            expires_days,
            data,
        } => {
            let grants = match allow.is_empty() {
                true => None,
                false => Some(Grants::parse(&allow)?),
            };
            let new = NewToken {
                name,
                grants,
                expires_ms: expires_days.map(|days| crate::time::now_ms() + i64::from(days) * 86_400_000),
            };
            access::token_create(&open(&data).await?, &user, new).await?
        }
        TokenCommand::List { data } => access::token_list(&open(&data).await?).await?,
        TokenCommand::Trust { id, data } => proof::token_trust(&open(&data).await?, id, true).await?,
        TokenCommand::Distrust { id, data } => proof::token_trust(&open(&data).await?, id, false).await?,
        TokenCommand::Revoke { id, data } => access::token_revoke(&open(&data).await?, id).await?,
    };
    say(&said);
    Ok(())
}

async fn session(command: SessionCommand) -> anyhow::Result<()> {
    let said = match command {
        SessionCommand::List { user, data } => {
            access::session_list(&open(&data).await?, user.as_deref()).await?
        }
        SessionCommand::Revoke { id, data } => access::session_revoke(&open(&data).await?, id).await?,
        SessionCommand::RevokeAll { user, data } => {
            access::session_revoke_all(&open(&data).await?, &user).await?
        }
    };
    say(&said);
    Ok(())
}

/// The roles of the configuration that the server would read.
fn roles(args: ConfigArgs) -> anyhow::Result<Roles> {
    let config = Config::load(config_file(args.config).as_deref())?;
    Ok(Roles::new(&config.roles, ""))
}

fn known_role(args: ConfigArgs, role: String) -> anyhow::Result<String> {
    // Built-in ones need no configuration, so a broken one does not lock anybody out.
    if farol_model::Role::parse(&role).is_some() {
        return Ok(role);
    }
    let roles = roles(args)?;
    match roles.grants(&role) {
        Some(_) => Ok(role),
        None => anyhow::bail!("`{role}` is not a role; use {}", roles.names()),
    }
}

async fn open(data: &DataArgs) -> anyhow::Result<sqlx::SqlitePool> {
    db::open(&data_dir(data)?).await
}

fn data_dir(args: &DataArgs) -> anyhow::Result<PathBuf> {
    let dir = args.data_dir.clone().unwrap_or_else(default_data_dir);
    make_private_dir(&dir).with_context(|| format!("cannot make the data folder {}", dir.display()))?;
    Ok(dir)
}

/// Password hashes and session ids lie in it: nobody else may read.
fn make_private_dir(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn config_file(given: Option<PathBuf>) -> Option<PathBuf> {
    let usual = PathBuf::from("farol.toml");
    given.or_else(|| usual.is_file().then_some(usual))
}

/// SIGTERM and Ctrl-C drain.
async fn cancel_on_signal(shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("cannot listen for signals; stop Farol with SIGKILL");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    shutdown.cancel();
    tracing::info!("draining");
}

/// For the person, beside what is printed for programs.
fn eprint_line(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints what the person asked for; the log goes to standard error. Nobody may be reading, and that stops nothing.
pub(crate) fn say(text: &str) {
    use std::io::Write as _;
    if let Err(error) = writeln!(std::io::stdout(), "{text}") {
        tracing::debug!(%error, "standard output is closed");
    }
}

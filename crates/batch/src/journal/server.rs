//! A journal on a PostgreSQL server: how it is connected to, and how it wakes runners. Knows no
//! table.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool, PgSslMode, Postgres};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Notify;

use super::db::Db;
use super::error::StoreError;

const CONNECTIONS: u32 = 8;

/// A frozen runner must not hold a row that others wait for; and a plan that was made when the
/// tables were empty must not be kept when they hold a hundred thousand rows.
const SESSION: &str = "SET synchronous_commit = on; SET lock_timeout = '10s'; SET plan_cache_mode = force_custom_plan; \
     SET idle_in_transaction_session_timeout = '10s'; SET default_transaction_isolation = 'read committed'";

/// Where it is, without its password, and the connections.
pub(super) async fn open(address: &SecretString) -> (String, Result<Db, StoreError>) {
    let text = address.expose_secret();
    let connect = match text.parse::<PgConnectOptions>() {
        Ok(connect) => connect.application_name("ark-video").disable_statement_logging(),
        Err(error) => return ("at the given address".to_owned(), Err(error.into())),
    };
    let host = connect.get_socket().map_or_else(
        || format!("{}:{}", connect.get_host(), connect.get_port()),
        |socket| socket.display().to_string(),
    );
    let place = format!("postgres://{host}/{}", connect.get_database().unwrap_or_default());
    let is_here = connect.get_socket().is_some() || is_this_machine(connect.get_host());
    let says_how = text.contains("sslmode=") || text.contains("ssl-mode=");
    let connect = if is_here || says_how { connect } else { connect.ssl_mode(PgSslMode::VerifyFull) };
    (place, self::connect(connect).await)
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.starts_with('/')
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn connect(connect: PgConnectOptions) -> Result<Db, StoreError> {
    // A pool would try until its time is over, and forget why it failed.
    PgConnection::connect_with(&connect).await?.close().await?;
    let pool = PoolOptions::<Postgres>::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SESSION).execute(connection).await?;
                Ok(())
            })
        })
        .connect_with(connect)
        .await?;
    Ok(Db::Postgres(pool))
}

/// Wakes a runner whenever something was sent on the channel; ends with the connection.
pub(super) async fn listen(pool: &PgPool, channel: &str, wake: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(channel).await?;
    loop {
        listener.recv().await?;
        wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn only_this_machine_needs_no_certificate() {
        for host in ["localhost", "127.0.0.1", "127.8.0.1", "::1", "[::1]", "/var/run/postgresql"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["db.example.com", "10.0.0.7", "localhost.example.com"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}

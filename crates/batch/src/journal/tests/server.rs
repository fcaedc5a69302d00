//! PostgreSQL: the same promises, and what a server can refuse.

use ark_video_test_support::postgres::{PASSWORD, Server};
use secrecy::SecretString;
use sqlx::{Connection as _, PgConnection};

use super::*;
use crate::JournalErrorKind;

async fn open(address: &str) -> Result<Journal, JournalError> {
    let at = JournalAt::Postgres(SecretString::from(address));
    Journal::open(&at, OpenOptions { clock: TestClock::new(), ..OpenOptions::default() }).await
}

/// Much faster than a new database for each promise.
async fn empty(address: &str) {
    let mut connection = PgConnection::connect(address).await.unwrap();
    let sql = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL (initdb, postgres): `cargo xtask test` runs it where it is installed"]
async fn the_same_promises_hold_with_postgresql() {
    let server = Server::start();
    let address = server.database("promises").await;
    macro_rules! each {
        ($($module:ident::$name:ident)*) => {
            $({
                empty(&address).await;
                let journal = open(&address).await.unwrap();
                // Each by itself on the heap: all of them in one are more than a stack holds.
                Box::pin(super::$module::$name(journal.clone())).await;
                journal.close().await;
            })*
        };
    }
    each! {
        life::from_intent_to_the_end life::only_one_of_two_moves_it life::what_is_no_move_is_refused
        life::a_late_answer_is_never_lost life::a_retry_keeps_what_the_first_one_cost life::a_person_decides
        life::approval_lets_the_followers_go life::a_paused_batch_sends_nothing life::jobs_come_page_by_page
        life::a_forgotten_prompt_is_gone
        money::a_cap_is_never_exceeded money::what_is_settled_counts_and_what_failed_does_not
        money::what_is_unmetered_counts_at_its_estimate
        money::what_cannot_be_priced_is_not_sent_under_a_cap money::no_more_run_than_may
        money::fifty_at_once_stay_below_the_cap
        plan::the_same_list_changes_nothing plan::what_was_not_sent_follows_the_list
        plan::what_was_sent_gets_a_new_revision_beside_it plan::a_superseded_job_is_not_sent_again
        plan::following_another_film_is_another_film plan::a_thousand_are_planned_by_two_at_once
        correlations::two_runners_never_give_one_mark_twice correlations::what_keeps_a_mark_and_what_gives_it_back
        shared::permits_are_shared shared::runners_come_and_go
        claims::the_highest_priority_comes_first_and_then_the_place_in_the_list
        claims::two_runners_never_claim_one_job claims::what_a_dead_runner_had_is_free_when_its_lease_ends
        claims::who_follows_waits_until_the_other_is_settled claims::what_another_runner_moves_is_free
        property::any_interleaving_keeps_the_sums
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL (initdb, postgres): `cargo xtask test` runs it where it is installed"]
async fn a_refusal_is_reported_without_the_password_with_postgresql() {
    let server = Server::start();
    let address = server.database("refusals").await;
    let text = |error: JournalError, kind: JournalErrorKind, part: &str| {
        let text = format!("{error} {error:?}");
        assert_eq!(error.kind(), kind, "{text}");
        assert!(text.contains(part), "{text}");
        assert!(text.contains("Nothing was sent."), "{text}");
        assert!(!text.contains(PASSWORD) && !text.contains("wrong"), "{text}");
    };
    if !PASSWORD.is_empty() && address.contains(PASSWORD) {
        let error = open(&address.replace(PASSWORD, "wrong")).await.unwrap_err();
        text(error, JournalErrorKind::Login, "does not accept the user or the password");
    }
    let error = open(&address.replace("refusals", "nowhere")).await.unwrap_err();
    text(error, JournalErrorKind::Missing, "no such database");
    let error = open(&format!("postgres://ark:{PASSWORD}@127.0.0.1:1/x")).await.unwrap_err();
    assert!(error.is_transient());
    text(error, JournalErrorKind::Unreachable, "127.0.0.1:1");
    text(
        open("no address").await.unwrap_err(),
        JournalErrorKind::Other,
        "postgres://user:password@host/name",
    );

    let at = JournalAt::Postgres(SecretString::from(address.as_str()));
    let error =
        Journal::open(&at, OpenOptions { create: false, ..OpenOptions::default() }).await.unwrap_err();
    text(error, JournalErrorKind::Missing, "there is none");
    assert!(!format!("{at:?}").contains(PASSWORD));

    let mut connection = PgConnection::connect(&address).await.unwrap();
    sqlx::raw_sql("CREATE TABLE ark_job (mine BIGINT)").execute(&mut connection).await.unwrap();
    text(open(&address).await.unwrap_err(), JournalErrorKind::Foreign, "belongs to another program");
    sqlx::raw_sql("DROP TABLE ark_job").execute(&mut connection).await.unwrap();
    let journal = open(&address).await.unwrap();
    assert!(!journal.place().contains(PASSWORD));
    let super::super::Db::Postgres(pool) = &journal.inner.db else { panic!() };
    let setting: String = sqlx::query_scalar("SHOW synchronous_commit").fetch_one(pool).await.unwrap();
    assert_eq!(setting, "on");
    assert!(!journal.backup(std::path::Path::new("/nowhere/x")).await.unwrap());
    journal.close().await;
    damage::set_format(&mut connection, "7").await;
    text(open(&address).await.unwrap_err(), JournalErrorKind::Newer, "format 7");
}

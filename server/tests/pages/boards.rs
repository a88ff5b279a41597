//! Explore and boards over real HTTP, as a browser without scripts would use them.

use crate::common::{PASSWORD, TestServer};
use farol::{access::cli, config::Config, db};
use reqwest::{Client, Response, header};

async fn get(server: &TestServer, client: &Client, path: &str) -> (u16, String) {
    let answer = client.get(server.url(path)).header(header::ACCEPT, "text/html");
    let answer = answer.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Where a form leads to.
fn location(answer: &Response) -> String {
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

async fn post(server: &TestServer, client: &Client, path: &str, fields: &[(&str, &str)]) -> Response {
    client.post(server.url(path)).form(fields).send().await.unwrap()
}

/// Sends a form and reads the page that it leads to.
async fn form(server: &TestServer, client: &Client, path: &str, fields: &[(&str, &str)]) -> (String, String) {
    let answer = post(server, client, path, fields).await;
    assert_eq!(answer.status(), 303, "{path}");
    let to = location(&answer);
    let (_, html) = get(server, client, &to).await;
    (to, html)
}

/// Keeps a board of these expressions. Its number.
async fn keep(server: &TestServer, client: &Client, title: &str, expressions: &[&str]) -> i64 {
    let mut fields = vec![("title", title)];
    fields.extend(expressions.iter().map(|expression| ("p", *expression)));
    let (to, html) = form(server, client, "/api/boards", &fields).await;
    assert!(html.contains("is kept"), "{html}");
    let id = to.strip_prefix("/boards/").unwrap().split('?').next().unwrap();
    id.parse().unwrap()
}

#[tokio::test]
async fn metrics_are_found_added_and_drawn_and_one_that_is_wrong_harms_no_other() {
    let server = TestServer::start().await;
    let client = server.signed_in("viewer").await;
    // History knows them as soon as the first second is written.
    let html = server
        .until(&client, "/explore", |html| {
            html.contains("How busy is the processor?")
        })
        .await;
    assert!(html.contains("/explore?p=cpu_usage_percent"), "{html}");
    let (_, html) = get(&server, &client, "/explore?find=cpu+usage&p=load1").await;
    assert!(html.contains("value=\"cpu_usage_percent\""), "{html}");
    assert!(html.contains("Share of time that the processor was busy"));
    let (_, none) = get(&server, &client, "/explore?find=nosuchthing%3Cb%3E").await;
    assert!(
        none.contains("Nothing is called \u{201c}nosuchthing&lt;b&gt;\u{201d}"),
        "{none}"
    );

    let added = client
        .get(server.url("/explore?find=cpu&p=load1&t=&w=&l=&add=cpu_usage_percent"))
        .header(header::ACCEPT, "text/html")
        .send()
        .await
        .unwrap();
    assert_eq!(added.status(), 302);
    assert_eq!(location(&added), "/explore?find=cpu&p=load1&p=cpu_usage_percent");

    let board = "/explore?p=load1&p=load1%7Bx%3D&p=cpu_usage_percent&edit=2";
    let html = server
        .until(&client, board, |html| {
            html.matches("class=\"line c1\"").count() >= 2
        })
        .await;
    assert_eq!(html.matches("<figure").count(), 2, "{html}");
    assert_eq!(html.matches("class=\"explore-no-chart\"").count(), 1);
    assert!(
        html.contains("double quotes here"),
        "the words of the fault: {html}"
    );
    assert!(
        html.contains("name=\"b-combine\"") && !html.contains("style="),
        "{html}"
    );
    let (_, html) = get(&server, &client, "/explore?p=load1&range=2y").await;
    assert!(html.contains("there are 5m, 15m, 1h") && html.contains("<figure"));
    server.stop().await;
}

#[tokio::test]
async fn more_than_a_board_can_hold_is_said_and_not_kept() {
    let server = TestServer::start().await;
    let client = server.signed_in("viewer").await;
    let many = format!("/explore?{}", "p=load1&".repeat(25));
    let (_, html) = get(&server, &client, &many).await;
    assert!(html.contains("A board has 24 panels at most"), "{html}");
    assert_eq!(html.matches("id=\"panel-").count(), 24);
    let long = "a".repeat(1001);
    for (fields, words) in [
        (vec![("title", "T")], "There is no panel yet"),
        (vec![("title", " "), ("p", "load1")], "needs a title"),
        (vec![("title", "T"), ("p", long.as_str())], "1000 bytes"),
    ] {
        let (to, html) = form(&server, &client, "/api/boards", &fields).await;
        assert!(
            to.starts_with("/explore?") && html.contains(words),
            "{to}: {html}"
        );
    }
    let big = "a".repeat(70_000);
    let answer = post(&server, &client, "/api/boards/import", &[("file", &big)]).await;
    assert_eq!(answer.status(), 413);
    server.stop().await;
}

#[tokio::test]
async fn a_board_is_kept_shared_and_changed_and_nobody_overwrites_what_they_have_not_seen() {
    let server = TestServer::start().await;
    let owner = server.signed_in("operator").await;
    let other = server.signed_in("viewer").await;
    let admin = server.signed_in("admin").await;
    let id = keep(&server, &owner, "Load & <i>", &["load1", "load5{x=\"y\"}"]).await;
    let page = format!("/boards/{id}");
    let (_, html) = get(&server, &owner, &page).await;
    assert!(
        html.contains("Load &amp; &lt;i&gt;") && !html.contains("<i>"),
        "{html}"
    );
    assert!(
        html.contains(&format!("board={id}&amp;v=1&amp;p=load1")),
        "{html}"
    );

    // Somebody else's private board is not there: as a page, as a file, in a list, for a form.
    for asker in [&other, &admin] {
        assert_eq!(get(&server, asker, &page).await.0, 404);
        assert_eq!(get(&server, asker, &format!("{page}/board.toml")).await.0, 404);
        assert!(!get(&server, asker, "/boards").await.1.contains(&page));
        let (_, html) = form(&server, asker, &format!("/api{page}/delete"), &[("v", "1")]).await;
        assert!(html.contains("There is no such board"), "{html}");
    }
    let (_, html) = form(
        &server,
        &owner,
        &format!("/api{page}/share"),
        &[("shared", "true")],
    )
    .await;
    assert!(
        html.contains("Everybody who may see metrics sees this board now"),
        "{html}"
    );
    let (status, html) = get(&server, &other, &page).await;
    assert_eq!(status, 200);
    assert!(html.contains("By operator") && html.contains("Open in Explore") && !html.contains("Rename"));
    let (_, html) = form(
        &server,
        &other,
        &format!("/api{page}/rename"),
        &[("v", "2"), ("title", "Mine")],
    )
    .await;
    assert!(html.contains("its owner and administrators change it"), "{html}");

    // An administrator saves; the owner, who had it open, is told and decides.
    let change = |title: &'static str, version: &'static str| {
        vec![("title", title), ("p", "load15"), ("board", "0"), ("v", version)]
    };
    let (_, html) = form(
        &server,
        &admin,
        &format!("/api{page}"),
        &change("Of the admin", "2"),
    )
    .await;
    assert!(html.contains("The board Of the admin is saved"), "{html}");
    let mut late = change("Of the owner", "2");
    let number = id.to_string();
    late[2] = ("board", &number);
    let (to, html) = form(&server, &owner, &format!("/api{page}"), &late).await;
    assert!(to.starts_with("/explore?title=Of%20the%20owner"), "{to}");
    assert!(html.contains("admin has changed this board meanwhile"), "{html}");
    assert!(html.contains("Somebody else has changed this board") && html.contains("Overwrite it"));
    assert!(get(&server, &owner, &page).await.1.contains("Of the admin"));
    late.push(("over", "3"));
    let (_, html) = form(&server, &owner, &format!("/api{page}"), &late).await;
    assert!(html.contains("The board Of the owner is saved"), "{html}");

    let (to, html) = form(&server, &other, &format!("/api{page}/duplicate"), &[]).await;
    assert!(
        html.contains("Of the owner (copy)") && !to.starts_with(&page),
        "{html}"
    );
    let (to, html) = form(&server, &owner, &format!("/api{page}/delete"), &[("v", "4")]).await;
    assert!(
        to.starts_with("/boards?said=") && html.contains("The board Of the owner is deleted"),
        "{html}"
    );
    assert_eq!(get(&server, &owner, &page).await.0, 404);
    let (_, html) = get(&server, &admin, "/audit").await;
    for word in ["board.create", "board.save", "board.share", "board.delete"] {
        assert!(html.contains(word), "{word}: {html}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_board_is_read_as_a_file_and_made_from_one() {
    let server = TestServer::start().await;
    let client = server.signed_in("viewer").await;
    let id = keep(
        &server,
        &client,
        "Disks",
        &["topk(5, sum by (device) (x{y=~\"z.*\"}))", "load1"],
    )
    .await;
    // With a token it is read, and not changed.
    let token = format!("Bearer {}", server.token("viewer").await);
    let with_token = |request: reqwest::RequestBuilder| request.header(header::AUTHORIZATION, token.clone());
    let file = with_token(
        server
            .stranger()
            .get(server.url(&format!("/boards/{id}/board.toml"))),
    )
    .send()
    .await
    .unwrap();
    assert_eq!(file.status(), 200);
    assert_eq!(
        file.headers()[header::CONTENT_DISPOSITION],
        "attachment; filename=\"disks.toml\""
    );
    let text = file.text().await.unwrap();
    assert!(
        text.contains("expression = 'topk(5, sum by (device) (x{y=~\"z.*\"}))'"),
        "{text}"
    );
    let import = with_token(server.stranger().post(server.url("/api/boards/import")));
    let refused = import.form(&[("file", text.as_str())]).send().await.unwrap();
    assert_eq!(refused.status(), 403);

    let (to, html) = form(&server, &client, "/api/boards/import", &[("file", &text)]).await;
    assert!(html.contains("Disks is a board of yours now"), "{html}");
    let new = to.split('?').next().unwrap();
    assert_ne!(new, format!("/boards/{id}"));
    assert_eq!(get(&server, &client, &format!("{new}/board.toml")).await.1, text);
    let wrong = text.replace("[[panel]]", "[[panel]]\ncolour = \"red\"");
    let (to, html) = form(&server, &client, "/api/boards/import", &[("file", &wrong)]).await;
    assert!(to.starts_with("/boards?said="), "{to}");
    assert!(
        html.contains("Line 6: unknown field `colour`, expected one of"),
        "{html}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_board_can_be_the_start_page_and_when_it_is_gone_that_is_said() {
    let server = TestServer::start().await;
    let owner = server.signed_in("operator").await;
    let other = server.signed_in("viewer").await;
    let id = keep(&server, &owner, "Start here", &["load1"]).await;
    let (number, page) = (id.to_string(), format!("/boards/{id}"));
    let (_, html) = form(&server, &other, "/api/boards/start", &[("id", &number)]).await;
    assert!(
        html.contains("There is no such board"),
        "not one's own, not shared: {html}"
    );
    form(
        &server,
        &owner,
        &format!("/api{page}/share"),
        &[("shared", "true")],
    )
    .await;
    let (_, html) = form(
        &server,
        &other,
        "/api/boards/start",
        &[("id", &number), ("at", &number)],
    )
    .await;
    assert!(
        html.contains("Farol opens with this board") && html.contains("/?overview"),
        "{html}"
    );

    let answer = other.get(server.url("/")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, page.clone()));
    assert_eq!(get(&server, &other, "/?overview").await.0, 200);
    assert_eq!(get(&server, &owner, "/").await.0, 200, "of one user, not of all");

    form(&server, &owner, &format!("/api{page}/delete"), &[("v", "2")]).await;
    let (status, html) = get(&server, &other, "/").await;
    assert!(
        status == 200 && html.contains("Your start page is gone"),
        "{html}"
    );
    form(&server, &other, "/api/boards/start", &[]).await;
    assert!(
        !get(&server, &other, "/")
            .await
            .1
            .contains("Your start page is gone")
    );
    server.stop().await;
}

#[tokio::test]
async fn who_may_not_see_metrics_sees_and_keeps_no_board() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("farol.toml");
    std::fs::write(&file, "[roles.guest]\npermissions = [\"view_processes\"]\n").unwrap();
    let server = TestServer::start_with(Config::load(Some(&file)).unwrap()).await;
    let owner = server.signed_in("operator").await;
    let id = keep(&server, &owner, "Shared", &["load1"]).await;
    form(
        &server,
        &owner,
        &format!("/api/boards/{id}/share"),
        &[("shared", "true")],
    )
    .await;
    let pool = db::open(server.data_dir.path()).await.unwrap();
    cli::user_add(&pool, "gus", "guest", PASSWORD.into())
        .await
        .unwrap();
    pool.close().await;
    let guest = server.signed_in("gus").await;
    for path in [
        "/explore",
        "/boards",
        &format!("/boards/{id}"),
        &format!("/boards/{id}/board.toml"),
    ] {
        let (status, html) = get(&server, &guest, path).await;
        assert_eq!(status, 403, "{path}");
        assert!(!html.contains("load1"), "{path}");
    }
    assert_eq!(
        post(&server, &guest, "/api/boards", &[("title", "T"), ("p", "load1")])
            .await
            .status(),
        403
    );
    // Who is not there at all is sent to sign in; a form too.
    let stranger = server.stranger();
    let asked = stranger.get(server.url("/boards")).send().await.unwrap();
    assert_eq!(location(&asked), "/sign-in?next=/boards");
    let sent = stranger
        .post(server.url("/api/boards"))
        .header(header::ACCEPT, "text/html");
    let sent = sent.form(&[("title", "T")]).send().await.unwrap();
    assert_eq!(location(&sent), "/sign-in?fault=expired");
    // Another site cannot send our forms.
    let foreign = owner
        .post(server.url("/api/boards"))
        .header(header::ORIGIN, "https://evil.example");
    let foreign = foreign
        .form(&[("title", "T"), ("p", "load1")])
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), 403);
    server.stop().await;
}

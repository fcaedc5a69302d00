//! A gateway between tenants and the service: checks a tenant's key and the request, sends it on
//! with the company's key, byte for byte, and passes the answer back. Keeps no state.

use std::sync::Arc;

use ark_video_model::catalog::Catalog;
use ark_video_protocol::{
    ApiError, BaseUrl, Route, create, gateway, get, list,
    outcome::{CreateOutcome, Refusal, of_create},
};
use ark_video_transport::{HttpTransport, Transport};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{Request, Response, request::Parts},
};
use tokio::net::TcpListener;

const PREFIX: &str = "/tenant/api/v3";
/// The largest request of the service, in bytes.
const MAX_BODY: usize = 64 << 20;

struct Gateway {
    upstream: BaseUrl,
    upstream_key: String,
    tenant_key: String,
    transport: Arc<dyn Transport>,
}

impl Gateway {
    async fn answer(&self, parts: &Parts, body: &Bytes) -> Result<Response<Bytes>, ApiError> {
        if !gateway::is_authorized(&parts.headers, &self.tenant_key) {
            return Err(ApiError::new(401, "AuthenticationError", "The API key is missing or invalid."));
        }
        let route = Route::from_parts(parts, PREFIX)?;
        let mut request = match &route {
            Route::Create => {
                let create = create::Request::from_http(parts, body, PREFIX)?;
                if let Some(finding) = create.body().check(Catalog::builtin()).refusals().next() {
                    return Err(finding.into());
                }
                create.to_http(&self.upstream)?
            }
            Route::Get { id } => get::Request::new(id).to_http(&self.upstream)?,
            Route::List => list::Request::from_http(parts, body, PREFIX)?.to_http(&self.upstream)?,
            _ => return Err(ApiError::new(404, "ResourceNotFound", "This is not offered here.")),
        };
        gateway::authorize(request.headers_mut(), &self.upstream_key)?;
        let result = self.transport.send(route.endpoint(), request.map(Into::into)).await;
        // The state of the company's account is not for tenants.
        if let CreateOutcome::Refused { class: Refusal::Account, .. } = of_create(result.clone()) {
            return Err(ApiError::new(429, "ServerOverloaded", "The service is not available now."));
        }
        Ok(gateway::relay(result))
    }
}

async fn handle(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let answer = match to_bytes(body, MAX_BODY).await {
        Ok(body) => gateway.answer(&parts, &body).await,
        Err(_) => Err(ApiError::new(413, "InvalidParameter", "The request body is too large.")),
    };
    answer.unwrap_or_else(|error| error.encode()).map(Body::from)
}

fn router(gateway: Gateway) -> Router {
    Router::new().fallback(handle).with_state(Arc::new(gateway))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gateway = Gateway {
        upstream: BaseUrl::parse(BaseUrl::VOLCENGINE)?,
        upstream_key: std::env::var("ARK_API_KEY")?,
        tenant_key: std::env::var("TENANT_KEY")?,
        transport: Arc::new(HttpTransport::new()),
    };
    axum::serve(TcpListener::bind("127.0.0.1:3000").await?, router(gateway)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use ark_video_simulator::{Effect, InProcess, Options};
    use tower_service::Service;

    use super::*;

    const BOAT: &str = r#"{"model": "doubao-seedance-2-0-260128", "content": [{"type": "text", "text": "A boat."}], "duration": 4, "later": {"n": 1.10, "digits": 123456789012345678901}}"#;

    async fn answer(router: &mut Router, request: Request<Body>) -> (u16, String) {
        let (parts, body) = router.call(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status.as_u16(), String::from_utf8_lossy(&body).into_owned())
    }

    fn post(key: &str, body: &str) -> Request<Body> {
        let request = Request::post("/tenant/api/v3/contents/generations/tasks");
        let request = request.header("authorization", format!("Bearer {key}"));
        request.header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap()
    }

    #[tokio::test]
    async fn a_tenant_pays_once_and_reads_every_failure_in_the_services_form() {
        let simulator = InProcess::new(Options::default());
        let upstream = BaseUrl::parse(&simulator.base_url()).unwrap();
        let transport = Arc::new(simulator.clone());
        let (upstream_key, tenant_key) = ("company".to_owned(), "tenant".to_owned());
        let mut router = router(Gateway { upstream, upstream_key, tenant_key, transport });

        let (status, body) = answer(&mut router, post("tenant", BOAT)).await;
        assert!(status == 200 && body.contains("\"id\""), "{body}");
        simulator.fail_next(Effect::AcceptThenDrop { reset: false }).unwrap();
        for (key, body, status, says) in [
            ("other", BOAT, 401, "AuthenticationError"),
            ("tenant", &BOAT.replace("4, \"later", "99, \"later"), 400, "\"param\":\"duration\""),
            ("tenant", "{", 400, "InvalidParameter"),
            ("tenant", BOAT, 502, "InternalServiceError"),
        ] {
            let (is, text) = answer(&mut router, post(key, body)).await;
            assert!(is == status && text.contains(says), "{is} {text}");
        }
        let page = Request::get("/tenant/api/v3/contents/generations/tasks");
        let page = page.header("authorization", "Bearer tenant").body(Body::empty()).unwrap();
        let (_, tasks) = answer(&mut router, page).await;
        assert!(tasks.contains("\"total\":2"), "{tasks}");
        simulator.advance(std::time::Duration::from_secs(60));
        assert_eq!(simulator.bills().len(), 2);
    }
}

//! The document of the whole API, made from the routes and from nothing else: no database, no AWS.

use service_kit::server::openapi_document;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// OpenAPI 3.1 of all services.
#[must_use]
pub fn document() -> OpenApi {
    let parts = [
        onboarding::routes().split_for_parts().1,
        tenant_provisioning::routes().split_for_parts().1,
        usage_metering::routes().split_for_parts().1,
        analytics_export::routes().split_for_parts().1,
    ];
    let mut whole = OpenApiRouter::<()>::new();
    for part in parts {
        whole.get_openapi_mut().merge(part);
    }
    openapi_document(whole).split_for_parts().1
}

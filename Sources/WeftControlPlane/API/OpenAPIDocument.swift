/// The API's description, as served at `/openapi.json`. A test holds it against the table of `APIService`.
enum OpenAPIDocument {
    static let text = """
        {
          "openapi": "3.1.0",
          "info": {
            "title": "Weft control plane",
            "version": "1",
            "description": "Everything the weft tool does. Over the Unix socket its owner needs no credentials; over TLS a bearer token or a client certificate. Viewers read; operators also apply and delete; admins also make tokens, read the audit log, and change what decides who is trusted."
          },
          "security": [{"bearer": []}, {"certificate": []}, {}],
          "paths": {
            "/healthz": {"get": {"summary": "Whether it answers", "security": [{}], "responses": {"200": {"description": "ok"}}}},
            "/openapi.json": {"get": {"summary": "This document", "security": [{}], "responses": {"200": {"description": "ok"}}}},
            "/v1/trust-bundle": {"get": {"summary": "The roots that prove an identity of this mesh", "security": [{}], "responses": {"200": \(json("TrustBundleView"))}}},
            "/v1/spiffe-bundle": {"get": {"summary": "The mesh's bundle for other trust domains: a JSON Web Key Set", "security": [{}], "responses": {"200": {"description": "SPIFFE bundle"}}}},
            "/v1/audit": {"get": {"summary": "The audit log, newest first", "parameters": [\(query("kind")), \(query("since")), \(query("limit"))], "responses": {"200": \(json("AuditList")), "400": \(error), "401": \(error), "403": \(error)}}},
            "/v1/apply": {"post": {"summary": "Applies documents: all or none", "requestBody": \(body("ApplyRequest")), "responses": {"200": \(json("ApplyResponse")), "400": \(error), "401": \(error), "403": \(error), "409": \(error), "413": \(error), "422": \(error), "503": \(error)}}},
            "/v1/resources": {"get": {"summary": "Lists resources and registered workloads", "parameters": [\(query("kind")), \(query("namespace"))], "responses": {"200": \(json("ResourceList")), "400": \(error), "401": \(error), "403": \(error)}}},
            "/v1/resources/{kind}/{namespace}/{name}": {
              "parameters": [\(path("kind")), \(path("namespace")), \(path("name"))],
              "get": {"summary": "One resource", "responses": {"200": \(json("ResourceView")), "401": \(error), "403": \(error), "404": \(error)}},
              "delete": {"summary": "Deletes one resource", "parameters": [\(query("author")), \(query("force"))], "responses": {"200": \(json("DeleteResponse")), "401": \(error), "403": \(error), "404": \(error), "422": \(error), "503": \(error)}}
            },
            "/v1/history": {"get": {"summary": "Past changes, newest first", "parameters": [\(query("limit"))], "responses": {"200": \(json("HistoryList")), "401": \(error), "403": \(error)}}},
            "/v1/status": {"get": {"summary": "The control plane, its authority and its proxies", "responses": {"200": \(json("StatusReport")), "401": \(error), "403": \(error)}}},
            "/v1/stat": {"get": {"summary": "Golden metrics of each edge", "parameters": [\(query("window"))], "responses": {"200": \(json("StatReport")), "401": \(error), "403": \(error)}}},
            "/metrics": {"get": {"summary": "The control plane's own metrics: Prometheus text, or OpenMetrics where that is accepted", "responses": {"200": {"description": "metrics"}, "401": \(error), "403": \(error)}}},
            "/v1/prometheus/targets": {"get": {"summary": "What a Prometheus scrapes, as HTTP service discovery", "responses": {"200": {"description": "target groups", "content": {"application/json": {"schema": {"type": "array", "items": \(reference("PrometheusTargetGroup"))}}}}, "401": \(error), "403": \(error)}}},
            "/v1/requests": {"get": {"summary": "The newest requests that proxies remember", "parameters": [\(query("service")), \(query("namespace")), \(query("failed")), \(query("reason")), \(query("path")), \(query("route")), \(query("version")), \(query("identity")), \(query("limit"))], "responses": {"200": \(json("RequestList")), "400": \(error), "401": \(error), "429": \(error)}}},
            "/v1/requests/{id}": {"parameters": [\(path("id"))], "get": {"summary": "The story of one request, across all proxies; the filters say which of several calls of one id is meant", "parameters": [\(query("service")), \(query("namespace")), \(query("failed")), \(query("reason")), \(query("path")), \(query("route")), \(query("version")), \(query("identity"))], "responses": {"200": \(json("RequestStory")), "400": \(error), "401": \(error), "404": \(error), "429": \(error)}}},
            "/v1/tap": {"get": {"summary": "Requests as they end: JSON objects, one a line", "parameters": [\(query("service")), \(query("namespace")), \(query("failed")), \(query("reason")), \(query("path")), \(query("route")), \(query("version")), \(query("identity")), \(query("rate"))], "responses": {"200": {"description": "TapLine", "content": {"application/x-ndjson": {"schema": \(reference("TapLine"))}}}, "400": \(error), "401": \(error), "403": \(error), "429": \(error)}}},
            "/v1/objectives": {"get": {"summary": "How well each objective is kept", "responses": {"200": \(json("ObjectiveReport")), "401": \(error), "403": \(error)}}},
            "/v1/telemetry/edges": {"get": {"summary": "Golden signals by edge, service, route or version", "parameters": [\(query("window")), \(query("source")), \(query("destination")), \(query("service")), \(query("namespace")), \(query("version")), \(query("route")), \(query("reason")), \(query("identity")), \(query("direction")), \(query("group"))], "responses": {"200": \(json("TelemetryEdges")), "400": \(error), "401": \(error), "403": \(error)}}},
            "/v1/telemetry/timeline": {"get": {"summary": "Golden signals over time", "parameters": [\(query("window")), \(query("source")), \(query("destination")), \(query("service")), \(query("namespace")), \(query("version")), \(query("route")), \(query("reason")), \(query("identity")), \(query("direction"))], "responses": {"200": \(json("TelemetryTimeline")), "400": \(error), "401": \(error), "403": \(error)}}},
            "/v1/identity/plaintext": {"get": {"summary": "Who calls in the clear, and each port's mutual TLS mode", "responses": {"200": \(json("PlaintextReport")), "401": \(error)}}},
            "/v1/authorization/check": {"post": {"summary": "What would happen to a call, and which rule says so", "requestBody": \(body("AuthorizationCheckRequest")), "responses": {"200": \(json("AuthorizationCheckReport")), "400": \(error), "401": \(error), "404": \(error)}}},
            "/v1/authorization/proposal": {"get": {"summary": "Policies that allow what was observed", "parameters": [\(query("namespace")), \(query("service")), \(query("enforced"))], "responses": {"200": \(json("AuthorizationProposalReport")), "401": \(error)}}},
            "/v1/authorization/coverage": {"get": {"summary": "Rules of authorization policies that do nothing", "responses": {"200": \(json("AuthorizationCoverageReport")), "401": \(error), "403": \(error)}}},
            "/v1/authorization/usage": {"get": {"summary": "How often the rules of authorization policies decided", "responses": {"200": \(json("AuthorizationUsage")), "401": \(error)}}},
            "/v1/identity": {"get": {"summary": "The certificate authority and who has followed it", "responses": {"200": \(json("IdentityReport")), "401": \(error)}}},
            "/v1/identity/rotation": {"post": {"summary": "Replaces the intermediate or the root", "requestBody": \(body("RotationRequest")), "responses": {"200": \(json("IdentityReport")), "400": \(error), "401": \(error), "409": \(error)}}},
            "/v1/identity/revocations": {
              "post": {"summary": "Refuses an identity", "requestBody": \(body("RevocationRequest")), "responses": {"200": \(json("IdentityReport")), "400": \(error), "401": \(error)}},
              "delete": {"summary": "Restores an identity", "parameters": [\(query("identity"))], "responses": {"200": \(json("IdentityReport")), "401": \(error), "404": \(error)}}
            },
            "/v1/dashboard/codes": {"post": {"summary": "A code that lets one browser into the dashboard, once", "responses": {"201": \(json("DashboardCode")), "401": \(error), "403": \(error)}}},
            "/v1/dashboard/sessions": {"post": {"summary": "Exchanges a code or an API token for a session of the dashboard", "security": [{}], "requestBody": \(body("DashboardLogin")), "responses": {"201": \(json("DashboardSession")), "400": \(error), "401": \(error), "403": \(error), "429": \(error)}}, "delete": {"summary": "Ends the browser's own session of the dashboard; for admins, all of them", "responses": {"200": \(json("DashboardSessionsEnded")), "401": \(error), "403": \(error)}}},
            "/v1/tokens": {
              "get": {"summary": "Tokens, without their secrets", "responses": {"200": \(json("TokenList")), "401": \(error), "403": \(error)}},
              "post": {"summary": "Makes a token; its text is seen this once", "requestBody": \(body("TokenRequest")), "responses": {"201": \(json("CreatedToken")), "400": \(error), "401": \(error), "403": \(error), "429": \(error)}}
            },
            "/v1/tokens/{id}": {"parameters": [\(path("id"))], "delete": {"summary": "Deletes a token", "responses": {"204": {"description": "deleted"}, "401": \(error), "403": \(error), "404": \(error)}}}
          },
          "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}, "certificate": {"type": "mutualTLS"}},
            "schemas": {
              \(schemas)
            }
          }
        }
        """

    private static let error = json("APIError")

    private static func reference(_ schema: String) -> String { "{\"$ref\": \"#/components/schemas/\(schema)\"}" }

    private static func json(_ schema: String) -> String {
        #"{"description": "\#(schema)", "content": {"application/json": {"schema": \#(reference(schema))}}}"#
    }

    private static func body(_ schema: String) -> String {
        #"{"required": true, "content": {"application/json": {"schema": \#(reference(schema))}}}"#
    }

    private static func query(_ name: String) -> String {
        #"{"name": "\#(name)", "in": "query", "schema": {"type": "string"}}"#
    }

    private static func path(_ name: String) -> String {
        #"{"name": "\#(name)", "in": "path", "required": true, "schema": {"type": "string"}}"#
    }

    /// Each schema's fields as `name:type`; `?` may be absent, `[]` is a list, a capital names another schema.
    private static let fields: [(name: String, fields: String)] = [
        (
            "APIError",
            "status:integer code:string message:string location?:string cause?:string remedy?:string diagnostics:Diagnostic[]"
        ),
        (
            "Diagnostic",
            "severity:string file?:string line?:integer column?:integer resource?:string field?:string message:string remedy?:string"
        ),
        ("ResourceKey", "kind:string namespace:string name:string"),
        ("APIDocument", "file:string text:string"),
        ("ApplyRequest", "documents:APIDocument[] dryRun?:boolean author?:string expectedRevision?:integer"),
        ("AppliedChange", "key:ResourceKey action:string"),
        ("ApplyResponse", "revision:integer dryRun:boolean changes:AppliedChange[] warnings:Diagnostic[]"),
        (
            "ResourceView",
            "key:ResourceKey apiVersion:string revision:integer createdAt:integer document:string file?:string line?:integer origin:string status?:RouteParentStatus[] problems?:Diagnostic[]"
        ),
        (
            "RouteParentStatus",
            "parent:string reference:ParentReference observedRevision:integer conditions:RouteCondition[]"
        ),
        ("ParentReference", "name:string namespace:string port?:integer sectionName?:string"),
        ("RouteCondition", "type:string isTrue:boolean reason:string message:string"),
        ("ResourceList", "revision:integer resources:ResourceView[]"),
        ("DeleteResponse", "revision:integer key:ResourceKey warnings?:Diagnostic[]"),
        ("HistoryView", "revision:integer key:ResourceKey action:string author:string at:integer document?:string"),
        ("HistoryList", "entries:HistoryView[]"),
        (
            "AuthorityStatus",
            "rootFingerprint:string rootExpiresAt:integer intermediateExpiresAt:integer rootIssuedAt?:integer intermediateIssuedAt?:integer trustedRoots?:string[] rotation?:string isRootOffline?:boolean isEncrypted?:boolean"
        ),
        (
            "RootStatus",
            "fingerprint:string expiresAt:integer state:string trustedBy:integer leaves:integer lacking:string[]"
        ),
        (
            "RotationStatus",
            "phase:string oldRoot:string newRoot:string startedAt:integer phaseSince:integer leavesUntil?:integer waitsFor?:string missing:string[]"
        ),
        ("RevokedIdentity", "identity:string reason:string at:integer by:string"),
        (
            "IdentityReport",
            "trustDomain:string now:integer roots:RootStatus[] intermediateExpiresAt:integer isRootOffline:boolean isEncrypted:boolean proxies:integer rotation?:RotationStatus revoked:RevokedIdentity[] trustVersion:integer remarks?:string[]"
        ),
        ("RotationRequest", "action:string force?:boolean newRoot?:NewRoot"),
        (
            "NewRoot",
            "rootCertificate:string intermediateCertificate:string intermediateKey?:string crossCertificate?:string"
        ),
        ("RevocationRequest", "identity:string reason?:string"),
        ("Rejection", "revision:integer message:string at:integer"),
        (
            "DiscoveryStatus",
            "type:string resources:integer acknowledgedRevision?:integer pending:integer rejection?:Rejection"
        ),
        (
            "ProxyStatus",
            "workload?:string service?:string identity:string address?:string serviceVersion:string proxyVersion:string client:string state:string cause?:string connectedSince?:integer certificateExpiresAt?:integer certificateSerial?:string certificateNotBefore?:integer certificateRoot?:string trustedRoots?:string[] trustVersion?:integer clockOffsetMilliseconds?:integer unencryptedPorts?:integer[] discovery:DiscoveryStatus[]"
        ),
        (
            "StatusReport",
            "version:string revision:integer publishedRevision:integer trustDomain:string startedAt:integer now:integer authority:AuthorityStatus proxies:ProxyStatus[] problems:Diagnostic[] refusedHandshakes?:object"
        ),
        (
            "EdgeStat",
            "source:string destination:string version:string route:string direction:string protocol:string tls:boolean peerIdentity?:string requests:integer requestsPerSecond:number successRatio?:number p50Ms?:number p95Ms?:number p99Ms?:number retriesPerSecond:number failures:object bytesInPerSecond:number bytesOutPerSecond:number totalRequests:integer totalFailures:integer totalRetries:integer totalRefused?:integer"
        ),
        (
            "TelemetryEdge",
            "source:string destination:string version:string route:string direction:string protocol:string tls:boolean peerIdentity?:string requestsPerSecond:number successRatio?:number p50Ms?:number p90Ms?:number p99Ms?:number retriesPerSecond:number bytesInPerSecond:number bytesOutPerSecond:number codeClasses:object failures:object grpcFailuresPerSecond:number"
        ),
        ("TelemetryEdges", "windowSeconds:number at:integer edges:TelemetryEdge[]"),
        (
            "TelemetryPoint",
            "at:integer requestsPerSecond:number successRatio?:number p50Ms?:number p90Ms?:number p99Ms?:number retriesPerSecond:number bytesInPerSecond:number bytesOutPerSecond:number codeClasses:object failures:object grpcFailuresPerSecond:number"
        ),
        ("TelemetryTimeline", "stepSeconds:integer direction:string points:TelemetryPoint[]"),
        (
            "ObjectiveStatus",
            "name:string namespace:string target:string successTarget?:number latencyTargetMs?:number latencyRatio?:number windowSeconds:integer judgedSeconds:integer measuredSuccessRatio?:number measuredLatencyRatio?:number budgetRemainingRatio?:number burnRates:object state:string"
        ),
        ("ObjectiveReport", "objectives:ObjectiveStatus[]"),
        ("StatReport", "at:integer windowSeconds:number edges:EdgeStat[]"),
        ("PrometheusTargetGroup", "targets:string[] labels:object"),
        ("AuthorizationUsage", "since:integer rules:PolicyRuleUsage[]"),
        ("PolicyRuleUsage", "policy:string rule?:integer allowed:integer denied:integer audited:integer"),
        (
            "TokenRequest",
            "purpose?:string service?:string account?:string namespace?:string ttlSeconds?:integer uses?:integer role?:string network?:string host?:string labels?:object"
        ),
        (
            "TokenSummary",
            "id:string purpose:string service?:string account?:string namespace:string host?:string createdAt:integer expiresAt:integer usesLeft:integer uses:integer role?:string network?:string labels?:object"
        ),
        ("CreatedToken", "token:string summary:TokenSummary"),
        ("TokenList", "tokens:TokenSummary[]"),
        (
            "PlaintextCaller",
            "address:string workloads:string[] destination:string port:integer requests:integer refused:integer lastSeen:integer"
        ),
        ("PlaintextPort", "service:string port:integer mode:string source?:Provenance workloads:integer"),
        ("Provenance", "resource:ResourceKey revision:integer file?:string line?:integer rule?:integer"),
        ("PlaintextReport", "at:integer reportedAt?:integer callers:PlaintextCaller[] ports:PlaintextPort[]"),
        (
            "AuthorizationCheckRequest",
            "from?:string to:string port?:integer method?:string path?:string headers:object claims?:object address?:string"
        ),
        (
            "AuthorizationFinding",
            "policy:Provenance action:string isAudit:boolean outcome:string rule?:integer mismatch?:string"
        ),
        (
            "AuthorizationVerdict",
            "identity?:string destination:string port:integer isAllowed:boolean reason?:string because:string decidedBy?:Provenance findings:AuthorizationFinding[]"
        ),
        ("AuthorizationCheckReport", "verdicts:AuthorizationVerdict[] remarks?:string[]"),
        ("CoverageFinding", "policy:Provenance rule?:integer kind:string cause:string"),
        ("AuthorizationCoverageReport", "rules:integer findings:CoverageFinding[]"),
        ("AuthorizationProposalReport", "yaml:string services:integer edges:integer requests:integer"),
        ("TrustBundleView", "trustDomain:string roots:string[] fingerprints:string[] federated?:FederatedBundleView[]"),
        ("FederatedBundleView", "trustDomain:string roots:string[]"),
        ("AuditEvent", "at:integer kind:string actor:string subject:string outcome:string details:object"),
        ("AuditList", "events:AuditEvent[]"),
        ("RecordedHeader", "name:string value?:string"),
        ("PolicyInForce", "setting:string value:string source?:Provenance"),
        ("AbsentEndpoint", "workload:string cause:string"),
        (
            "AttemptPick",
            "cause:string known:integer serving:integer isPanic:boolean rampPercent:integer absent:AbsentEndpoint[]"
        ),
        (
            "RecordedAttempt",
            "number?:integer workload:string address:string identity?:string version:string pick?:AttemptPick startedAfterMs:number durationMs:number connectedAfterMs?:number isKept:boolean status?:integer reason:string detail:string isHedge:boolean isLost:boolean after:string"
        ),
        (
            "HopRecord",
            "requestID:string proxy:string direction:string startedAtMs:number protocol:string method:string authority:string path:string headers:RecordedHeader[] hasAllHeaders:boolean source:string destination:string sourceIdentity?:string destinationIdentity?:string sourceAddress?:string version:string route:string cluster:string routeSource?:Provenance policies:PolicyInForce[] deadlineMs?:number deadlineIsCallers:boolean deadlineLeftMs?:number attempt:integer attempts:RecordedAttempt[] status:integer grpcStatus?:integer reason:string detail:string policy?:Provenance audit:string receivedBytes:integer sentBytes:integer durationMs:number responseAfterMs?:number outgrewReplay:boolean"
        ),
        (
            "RequestSummary",
            "id:string startedAtMs:number source:string destination:string version:string route:string method:string authority:string path:string protocol:string status:integer grpcStatus?:integer reason:string detail:string durationMs:number attempts:integer direction:string proxy:string"
        ),
        ("RequestList", "requests:RequestSummary[] silent:string[] truncated:boolean"),
        (
            "StoryCause",
            "reason:string text:string hop:integer place:string policy?:Provenance consequences:StoryConsequence[]"
        ),
        ("StoryConsequence", "reason:string hop:integer text:string policy?:Provenance"),
        (
            "StoryHop",
            "number:integer parent?:integer source:string destination:string atMs:number durationMs:number outbound?:HopRecord inbound:HopRecord[]"
        ),
        ("StoryEvent", "atMs:number hop:integer actor:string text:string kind:string"),
        (
            "RequestStory",
            "id:string summary:RequestSummary cause:StoryCause hops:StoryHop[] events:StoryEvent[] advice:string[] silent:string[] gaps:string[]"
        ),
        ("TapLine", "request?:HopRecord dropped?:integer"),
        ("DashboardCode", "code:string expiresAt:integer local?:string"),
        ("DashboardLogin", "code?:string token?:string"),
        ("DashboardSession", "key:string expiresAt:integer"),
        ("DashboardSessionsEnded", "ended:integer"),
    ]

    private static var schemas: String {
        self.fields.map { schema in
            let fields = schema.fields.split(separator: " ").map(String.init)
            let required = fields.filter { !$0.contains("?:") }.map { "\"\($0.prefix { $0 != ":" })\"" }
            let properties = fields.map { field in
                let parts = field.split(separator: ":").map(String.init)
                return "\"\(parts[0].filter { $0 != "?" })\": \(self.type(parts[1]))"
            }
            return
                "\"\(schema.name)\": {\"type\": \"object\", \"required\": [\(required.joined(separator: ", "))], \"properties\": {\(properties.joined(separator: ", "))}}"
        }.joined(separator: ",\n      ")
    }

    private static func type(_ text: String) -> String {
        if text.hasSuffix("[]") { return "{\"type\": \"array\", \"items\": \(self.type(String(text.dropLast(2))))}" }
        return text.first?.isUppercase == true ? self.reference(text) : "{\"type\": \"\(text)\"}"
    }
}

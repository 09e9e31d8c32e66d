// What one decision costs with ten policies and with a thousand, in ways that policies are usually written.
import WeftMessage
import WeftModel
import WeftTraffic

func source(_ name: String) -> Provenance {
    Provenance(resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: name))
}

func authorization(_ kind: String, _ action: AuthorizationAction, _ count: Int) -> Authorization {
    var authorization = Authorization()
    authorization.policies = (0..<count).map { number in
        var operation = AuthorizationOperation()
        var rule = AuthorizationRule()
        var from = AuthorizationSource()
        from.identities = [.any]
        switch kind {
        case "exact paths": operation.paths = [.exact("/v1/accounts/\(number)")]
        case "prefixes": operation.paths = [.prefix("/v1/accounts/\(number)/")]
        case "suffixes": operation.paths = [.suffix("/\(number)/statement")]
        case "header values":
            operation.paths = [.prefix("/v1/")]
            rule.when = [AuthorizationCondition(subject: .header("x-tenant"), values: [.exact("tenant-\(number)")])]
        case "methods and paths":
            operation.methods = ["GET", "POST"]
            operation.paths = [.exact("/v1/accounts/\(number)"), .prefix("/v1/accounts/\(number)/")]
        default:
            from.identities = [.exact(SPIFFEID(trustDomain: .standard, namespace: "default", account: "a\(number)"))]
            operation.paths = [.prefix("/v1/")]
        }
        rule.from = [from]
        rule.to = [operation]
        return AuthorizationRules(source: source("p\(number)"), action: action, rules: [rule])
    }
    return authorization
}

let clock = ContinuousClock()

/// Nanoseconds for one decision, the best of five runs.
func measure(_ authorization: Authorization, _ head: RequestHead, expect isAllowed: Bool) -> Double {
    let table = AuthorizationTable(authorization)
    let connection = table.bind(
        peer: "spiffe://mesh.local/ns/default/sa/a7", trustDomain: .standard, address: [10, 0, 0, 1])
    let rounds = 200_000
    var best = Double.infinity
    var agreed = 0
    for _ in 0..<5 {
        let start = clock.now
        for _ in 0..<rounds where connection.decide(head).isAllowed == isAllowed { agreed += 1 }
        let elapsed = clock.now - start
        best = min(
            best,
            Double(elapsed.components.attoseconds) / 1e9 / Double(rounds)
                + Double(elapsed.components.seconds) * 1e9 / Double(rounds))
    }
    if agreed != 5 * rounds { print("  a wrong decision") }
    return best
}

func binding(_ authorization: Authorization) -> Double {
    let table = AuthorizationTable(authorization)
    let start = clock.now
    for _ in 0..<1000 {
        _ = table.bind(peer: "spiffe://mesh.local/ns/default/sa/a7", trustDomain: .standard, address: [10, 0, 0, 1])
    }
    return Double((clock.now - start).components.attoseconds) / 1e15
}

func head(_ path: String, tenant: String) -> RequestHead {
    RequestHead(
        method: .get, authority: "billing", path: path,
        headers: [
            "accept": "application/json", "user-agent": "bench/1", "x-request-id": "0123456789abcdef",
            "x-tenant": tenant, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ])
}

func column(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

print(
    column("policies that differ in", 26) + column("action", 8) + column("10: ns", 10) + column("1000: ns", 10)
        + "more: ns")
for kind in ["exact paths", "prefixes", "suffixes", "header values", "methods and paths", "identities"] {
    for action in [AuthorizationAction.allow, .deny] {
        let isAllow = action == .allow
        // A match of an ALLOW, a miss of a DENY: what is let through.
        let path: String
        switch kind {
        case "exact paths": path = "/v1/accounts/7"
        case "methods and paths", "prefixes", "suffixes": path = "/v1/accounts/7/statement"
        default: path = "/v1/accounts/7"
        }
        let request =
            isAllow
            ? head(path, tenant: "tenant-7")
            : head(kind == "identities" ? "/v2/accounts/none" : "/v1/other/none", tenant: "tenant-none")
        let few = measure(authorization(kind, action, 10), request, expect: true)
        let many = measure(authorization(kind, action, 1000), request, expect: true)
        print(
            column(kind, 26) + column(action.rawValue, 8) + column("\(Int(few))", 10) + column("\(Int(many))", 10)
                + "\(Int(many - few))")
    }
}
print("binding a connection to 1000 policies: \(Int(binding(authorization("identities", .allow, 1000)) )) µs")

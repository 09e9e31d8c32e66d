internal import WeftModel

/// Writes `weft.dev/v1 ServiceObjective`.
enum ServiceObjectiveDocument {
    static func spec(_ objective: ServiceObjective) -> JSONValue {
        var target = ObjectBuilder()
        switch objective.target {
        case .service(let service):
            target.add("kind", .text("Service"))
            target.add("name", .text(service.name))
        case .route(let key):
            target.add("group", .text("gateway.networking.k8s.io"))
            target.add("kind", .text(key.kind.rawValue))
            target.add("name", .text(key.name))
        }
        var object = ObjectBuilder()
        object.add("targetRef", target.value)
        object.add("success", objective.successRatio.map { .object([.init("ratio", .decimal($0))]) })
        object.add(
            "latency",
            objective.latency.map { latency in
                .object([
                    .init("threshold", .text(DurationText.text(latency.threshold))),
                    .init("ratio", .decimal(latency.ratio)),
                ])
            })
        if objective.window != ServiceObjective.standardWindow {
            object.add("window", .text(DurationText.text(objective.window)))
        }
        return object.value
    }
}

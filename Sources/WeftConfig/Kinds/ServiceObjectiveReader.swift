internal import WeftModel

/// Reads `weft.dev/v1 ServiceObjective`.
enum ServiceObjectiveReader {
    static func read(_ document: ObjectFields) -> ServiceObjective? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard
            let spec = document.spec(
                known: ["targetRef", "success", "latency", "window"],
                refused: ["targetRefs": "An objective has one target: write `targetRef`."])
        else { return nil }
        let target = spec.required("targetRef", remedy: "Add `targetRef: {kind: Service, name: …}`.").flatMap {
            self.target($0, namespace: metadata?.namespace ?? "default")
        }
        let success = spec["success"].map { field in
            field.object(known: ["ratio"])?.required(
                "ratio", remedy: "Add the `ratio` that must succeed, such as 0.999."
            )
            .flatMap(self.ratio)
        }
        let latency = spec["latency"].map(self.latency)
        let window = spec["window"].map(self.window)
        if spec["success"] == nil, spec["latency"] == nil {
            spec.field.refuse(
                "the objective demands nothing",
                remedy: "Add `success: {ratio: 0.999}`, or `latency: {threshold: 250ms, ratio: 0.99}`, or both.")
        }
        guard let metadata, let target else { return nil }
        return ServiceObjective(
            metadata: metadata, target: target, successRatio: success ?? nil, latency: latency ?? nil,
            window: (window ?? nil) ?? ServiceObjective.standardWindow)
    }

    private static func target(_ field: Field, namespace: String) -> ServiceObjective.Target? {
        switch PolicyTargetReader.target(field, namespace: namespace, routes: true) {
        case .service(let service, nil): return .service(service)
        case .route(let key): return .route(key)
        case .service(_, _?):
            field.refuse(
                "calls are counted by service and route, not by port",
                remedy: "Remove sectionName, or name a route that only the port takes.")
            return nil
        case nil: return nil
        }
    }

    private static func latency(_ field: Field) -> ServiceObjective.Latency? {
        guard let object = field.object(known: ["threshold", "ratio"]) else { return nil }
        let threshold = object.required("threshold", remedy: "Add the `threshold`, such as 250ms.").flatMap(
            self.threshold)
        let ratio = object.required("ratio", remedy: "Add the `ratio` that must be as fast, such as 0.99.")
            .flatMap(self.ratio)
        guard let threshold, let ratio else { return nil }
        return ServiceObjective.Latency(threshold: threshold, ratio: ratio)
    }

    private static func threshold(_ field: Field) -> Duration? {
        guard let duration = field.duration(allowsZero: false) else { return nil }
        guard duration >= .milliseconds(1), duration <= .seconds(10) else {
            field.refuse("latencies are counted from 1ms to 10s", remedy: "Write a threshold within that range.")
            return nil
        }
        if !self.bounds.contains(duration) {
            field.warn(
                "latencies are counted in buckets, and \(DurationText.text(duration)) is no bound of one: how many took longer is an estimate",
                remedy: "Write one of \(self.bounds.map(DurationText.text).joined(separator: ", ")).")
        }
        return duration
    }

    /// Bounds of the latency buckets, in whole milliseconds.
    private static let bounds: [Duration] = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000].map {
        .milliseconds($0)
    }

    private static func ratio(_ field: Field) -> Double? { field.number(in: 0.5...0.99999, "share of requests") }

    private static func window(_ field: Field) -> Duration? {
        guard let duration = field.duration(allowsZero: false) else { return nil }
        guard duration >= .seconds(3600), duration <= .seconds(90 * 86_400) else {
            field.refuse("the window must be from 1h to 2160h", remedy: "Write 24h, or remove the field: 720h.")
            return nil
        }
        return duration
    }
}

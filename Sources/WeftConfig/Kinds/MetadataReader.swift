internal import WeftModel

/// Reads what every resource has: `metadata`.
enum MetadataReader {
    /// Nil after the mistake has been reported. `nameIsLabel` forbids dots in the name.
    static func read(_ document: ObjectFields, nameIsLabel: Bool) -> Metadata? {
        guard let field = document.required("metadata", remedy: "Add `metadata:` with a `name:` below it."),
            let object = field.object(
                known: ["name", "namespace", "labels", "annotations"], ignored: self.writtenByServers,
                refused: ["generateName": "Names are not generated: write `name`."])
        else { return nil }
        // Every part is read before any absence ends the reading, so that all mistakes show at once.
        let nameField = object.required("name", remedy: "Add `name: ` below `metadata`.")
        let name = nameField.flatMap { nameIsLabel ? $0.label("name") : $0.subdomain("name") }
        let namespaceField = object["namespace"]
        let namespace = namespaceField.map { $0.label("namespace") } ?? "default"
        let labels = object["labels"].map { $0.labels() } ?? [:]
        let annotations = object["annotations"].map(self.annotations) ?? [:]
        guard let name, let namespace, let labels, let annotations else { return nil }
        return Metadata(name: name, namespace: namespace, labels: labels, annotations: annotations)
    }

    /// What `kubectl get -o yaml` adds.
    private static let writtenByServers: Set<String> = [
        "creationTimestamp", "uid", "resourceVersion", "generation", "managedFields", "selfLink", "ownerReferences",
        "finalizers", "deletionTimestamp", "deletionGracePeriodSeconds",
    ]

    private static func annotations(_ field: Field) -> [String: String]? {
        guard let entries = field.entries() else { return nil }
        var annotations: [String: String] = [:]
        for (key, value) in entries {
            guard NameRules.isLabelKey(key) else {
                value.refuse(
                    "\"\(YAMLNode.shortened(key))\" is no annotation name",
                    remedy: "Use at most 63 letters, digits, `-`, `_`, `.`, optionally after a DNS name and `/`.")
                continue
            }
            if let text = value.anyText(atMost: 256 << 10) { annotations[key] = text }
        }
        return annotations
    }
}

extension ObjectFields {
    /// `spec`, which must be there.
    func spec(known: [String], ignored: Set<String> = [], refused: [String: String] = [:]) -> ObjectFields? {
        self.required("spec", remedy: "Add `spec:` with \(known.joined(separator: ", ")).")?
            .object(known: known, ignored: ignored, refused: refused)
    }
}

internal import Foundation
internal import WeftModel

/// Adds what became of a resource to its document: a route's parents in Gateway API's shape, and problems of any kind;
/// `apply` passes over it.
enum RouteStatusDocument {
    private struct Status: Encodable {
        struct Parent: Encodable {
            struct Reference: Encodable {
                let group = ""
                let kind = "Service"
                let name: String
                let namespace: String
                let port: Int?
                let sectionName: String?
            }

            struct Condition: Encodable {
                let type: String
                let status: String
                let reason: String
                let message: String
                /// The revision of the route that this is said of.
                let observedGeneration: Int64?
            }

            let parentRef: Reference
            let controllerName = "weft.dev/mesh"
            let conditions: [Condition]
        }

        struct Problem: Encodable {
            let severity: String
            let field: String?
            let message: String
            let remedy: String?
        }

        let parents: [Parent]?
        let problems: [Problem]?
    }

    /// The document of a view, with a status where there is one.
    static func document(_ view: ResourceView) throws -> String {
        guard view.status != nil || view.problems != nil, view.document.hasSuffix("}") else { return view.document }
        let status = Status(
            parents: view.status?.map { parent in
                Status.Parent(
                    parentRef: .init(
                        name: parent.reference.name, namespace: parent.reference.namespace,
                        port: parent.reference.port, sectionName: parent.reference.sectionName),
                    conditions: parent.conditions.map {
                        .init(
                            type: $0.type.rawValue, status: $0.isTrue ? "True" : "False", reason: $0.reason.rawValue,
                            message: $0.message,
                            observedGeneration: parent.observedRevision == .zero ? nil : parent.observedRevision.number)
                    })
            },
            problems: view.problems?.map {
                .init(severity: $0.severity.rawValue, field: $0.field, message: $0.message, remedy: $0.remedy)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(status), as: UTF8.self)
        return view.document.dropLast() + ",\"status\":\(text)}"
    }
}

internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
package import WeftModel

extension APIClient {
    /// The newest requests that match, newest first.
    package func requests(_ filter: RecordFilter, limit: Int) async throws -> RequestList {
        try await self.call(.GET, "/v1/requests?" + Self.query(filter, ["limit=\(limit)"]))
    }

    /// - Parameter filter: which call is meant, where nothing joins several of one id.
    package func story(of id: String, _ filter: RecordFilter = RecordFilter()) async throws -> RequestStory {
        let query = Self.query(filter, [])
        return try await self.call(.GET, "/v1/requests/\(Self.escaped(id))\(query.isEmpty ? "" : "?")\(query)")
    }

    /// Calls `body` with each request as it ends, until it answers false or the control plane ends the tap.
    package func tap(_ filter: RecordFilter, rate: Int, _ body: (TapLine) throws -> Bool) async throws {
        var rest = ByteBuffer()
        try await self.stream("/v1/tap?" + Self.query(filter, ["rate=\(rate)"])) { chunk in
            rest.writeImmutableBuffer(chunk)
            while let end = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
                let line = rest.readSlice(length: end - rest.readerIndex + 1) ?? ByteBuffer()
                guard let read = try? JSONDecoder().decode(TapLine.self, from: Data(line.readableBytesView)) else {
                    continue
                }
                if try !body(read) { return false }
            }
            rest.discardReadBytes()
            // No line of a control plane is longer.
            return rest.readableBytes < 1 << 20
        }
    }

    private static func query(_ filter: RecordFilter, _ fields: [String]) -> String {
        var fields = fields
        if filter.failed { fields.append("failed=true") }
        for (name, value) in [
            ("service", filter.service), ("namespace", filter.namespace), ("reason", filter.reason?.rawValue),
            ("path", filter.pathPrefix), ("route", filter.route), ("version", filter.version),
            ("identity", filter.identity),
        ] {
            if let value { fields.append("\(name)=\(self.escaped(value))") }
        }
        return fields.joined(separator: "&")
    }
}

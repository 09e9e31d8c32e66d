internal import Foundation
internal import NIOCore

/// Where the control plane's API is.
package enum APIAddress: Hashable, Sendable, CustomStringConvertible {
    case socket(path: String)
    /// `https://host:port`, without a trailing slash.
    case url(String)

    /// A path, `unix:PATH`, or an https URL; nil for anything else, plain http to another machine above all.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            self = .socket(path: String(text.dropFirst(5)))
        } else if text.hasPrefix("/") || text.hasPrefix(".") || text.hasSuffix(".sock"), !text.contains("://") {
            self = .socket(path: text)
        } else if text.hasPrefix("https://"), let host = URL(string: text)?.host, !host.isEmpty {
            self = .url(text.hasSuffix("/") ? String(text.dropLast()) : text)
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .socket(let path): "unix:\(path)"
        case .url(let url): url
        }
    }

    /// The URL of a path of the API.
    func url(for path: String) -> String {
        switch self {
        case .socket(let socket):
            "http+unix://" + (socket.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? socket) + path
        case .url(let url): url + path
        }
    }
}

/// Finds the API of a mesh on this machine when nobody says where it is.
package struct APISearch: Sendable {
    /// The fleet's state directory beside the working directory or above it; else the one fleet that this user has
    /// running, or the installed control plane. Nil when none is there; throws `CommandFailure` when several are.
    package static func find(directory: String, home: String) throws -> APIAddress? {
        var place = URL(fileURLWithPath: directory).standardizedFileURL
        while true {
            let socket = FleetPaths(file: place.appendingPathComponent("fleet.yaml").path).apiSocket
            if FileManager.default.fileExists(atPath: socket) { return .socket(path: socket) }
            if place.path == "/" { break }
            place.deleteLastPathComponent()
        }
        let installed = ["/run/weft/api.sock", "/var/lib/weft/run/api.sock"].first(
            where: FileManager.default.fileExists(atPath:))
        let found = FleetRegister(home: home).sockets.filter(Self.isAnswered) + (installed.map { [$0] } ?? [])
        guard found.count < 2 else {
            throw CommandFailure.usage(
                "several meshes run on this machine: \(found.joined(separator: ", "))",
                remedy: "Say which with --api SOCKET or --fleet FILE, or go to the directory of its fleet.")
        }
        return found.first.map { .socket(path: $0) }
    }

    /// Whether anybody listens: the socket of a fleet that was killed stays behind.
    private static func isAnswered(_ path: String) -> Bool {
        guard let address = try? SocketAddress(unixDomainSocketPath: path) else { return false }
        #if canImport(Darwin)
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #else
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return address.withSockAddr { connect(descriptor, $0, socklen_t($1)) } == 0
    }
}

/// The fleets that a user has running, so that the tool finds them from anywhere.
package struct FleetRegister: Sendable {
    private let directory: String

    package init(home: String) { self.directory = home + "/.local/state/weft/fleets" }

    /// API sockets, newest fleet first.
    var sockets: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: self.directory)) ?? []
        return files.map { "\(self.directory)/\($0)" }
            .sorted { self.modified($0) > self.modified($1) }
            .compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }
    }

    /// Only a convenience: a home that cannot be written to is no failure.
    func add(_ paths: FleetPaths) {
        try? FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        try? paths.apiSocket.write(toFile: self.file(paths), atomically: true, encoding: .utf8)
    }

    func remove(_ paths: FleetPaths) { try? FileManager.default.removeItem(atPath: self.file(paths)) }

    private func file(_ paths: FleetPaths) -> String { "\(self.directory)/\(String(paths.seed, radix: 36))" }

    private func modified(_ path: String) -> Date {
        (try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date) ?? .distantPast
    }
}

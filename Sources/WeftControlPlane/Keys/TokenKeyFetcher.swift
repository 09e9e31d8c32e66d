internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import WeftConfig
internal import WeftModel

/// Reads key sets from files and over HTTP.
struct TokenKeyFetcher: Sendable {
    /// Why a key set could not be had.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let client: HTTPClient

    /// Shut it down when done.
    init() {
        // A redirect could lead from https to anywhere.
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        self.client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func shutdown() async { try? await self.client.shutdown() }

    /// The key set's text, checked; throws `Failure`.
    func read(_ place: TokenKeys) async throws(Failure) -> String {
        let text: String
        switch place {
        case .inline(let own): text = own
        case .file(let path): text = try Self.read(path)
        case .url(let url): text = try await self.fetch(url)
        }
        if let problem = KeySetText.problem(in: text) { throw Failure(description: "it is no key set: \(problem)") }
        return text
    }

    private static func read(_ path: String) throws(Failure) -> String {
        let data: Data?
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            data = try file.read(upToCount: KeySetText.maxBytes + 1)
        } catch { throw Failure(description: "the file cannot be read: \((error as NSError).localizedDescription)") }
        return try Self.text(Array(data ?? Data()))
    }

    private func fetch(_ url: String) async throws(Failure) -> String {
        do {
            var request = HTTPClientRequest(url: url)
            request.headers.add(name: "accept", value: "application/jwk-set+json, application/json")
            let response = try await self.client.execute(request, timeout: .seconds(5))
            guard response.status == .ok else {
                throw Failure(description: "the answer was \(response.status.code), not 200")
            }
            let body: ByteBuffer
            do {
                body = try await response.body.collect(upTo: KeySetText.maxBytes)
            } catch is NIOTooManyBytesError {
                throw Failure(description: "it has more than \(KeySetText.maxBytes) bytes")
            }
            return try Self.text(Array(body.readableBytesView))
        } catch let failure as Failure {
            throw failure
        } catch { throw Failure(description: "it could not be fetched: \(error)") }
    }

    private static func text(_ bytes: [UInt8]) throws(Failure) -> String {
        guard bytes.count <= KeySetText.maxBytes else {
            throw Failure(description: "it has more than \(KeySetText.maxBytes) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Failure(description: "it is no UTF-8") }
        return text
    }
}

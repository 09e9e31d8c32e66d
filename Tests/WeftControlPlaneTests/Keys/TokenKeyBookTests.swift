import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct TokenKeyBookTests {
    private static let keys = "{\"keys\": [{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"x\": \"AA\"}]}"

    private static func policy(_ keys: TokenKeys) -> (resource: Resource, source: TokenKeySource) {
        let resource = Resource.requestAuthentication(
            RequestAuthentication(metadata: Metadata(name: "users"), rules: [TokenRule(issuer: "i", keys: keys)]))
        return (resource, TokenKeySource(policy: resource.key, rule: 0))
    }

    /// Runs a book until `body` returns.
    private func running(
        _ book: TokenKeyBook, _ changes: AsyncStream<Void>.Continuation? = nil,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await book.run { changes?.yield() } }
            try await body()
            group.cancelAll()
        }
    }

    private func book(_ table: MemoryTable = MemoryTable()) -> TokenKeyBook {
        TokenKeyBook(table: table, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test(.timeLimit(.minutes(10))) func `what may be secret in an address is not told`() async throws {
        let (resource, _) = Self.policy(.url("http://127.0.0.1:1/keys?key=SECRET"))
        let book = self.book()
        await book.follow([resource])
        try await self.running(book) {
            while await book.problems.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
            let problem = try #require(await book.problems.first)
            #expect(!problem.description.contains("SECRET"))
            #expect(problem.message.contains("http://127.0.0.1:1/keys?key=…"))
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a file's keys are had, followed, and kept when it goes bad`() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID()).json")
        defer { try? FileManager.default.removeItem(at: path) }
        try Data(Self.keys.utf8).write(to: path)
        let (resource, source) = Self.policy(.file(path.path))
        let table = MemoryTable()
        let book = self.book(table)
        let (changes, change) = AsyncStream.makeStream(of: Void.self)
        await book.follow([resource])
        try await self.running(book, change) {
            var iterator = changes.makeAsyncIterator()
            await iterator.next()
            #expect(await book.keys == [source: Self.keys])
            #expect(await book.problems.isEmpty)
            try Data("nonsense".utf8).write(to: path)
            while await book.problems.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
            #expect(await book.keys == [source: Self.keys])
            #expect(await book.problems.first?.resource == "RequestAuthentication/default/users")
        }
        // A restart has them before anything is read.
        let second = self.book(table)
        await second.restore()
        await second.follow([resource])
        #expect(await second.keys == [source: Self.keys])
        await second.follow([])
        #expect(await second.keys.isEmpty)
        #expect(try await table.all().isEmpty)
    }

    @Test(.timeLimit(.minutes(10))) func `an address is asked, and what it may not answer is a problem`() async throws {
        let server = try await KeyServer.start { path in
            switch path {
            case "/keys": (.ok, Self.keys)
            case "/large": (.ok, String(repeating: " ", count: 70_000) + Self.keys)
            case "/moved": (.found, "")
            default: (.notFound, "")
            }
        }
        for (path, problem) in [("/large", "bytes"), ("/moved", "302"), ("/none", "404")] {
            let book = self.book()
            let (resource, _) = Self.policy(.url("http://127.0.0.1:\(server.port)\(path)"))
            await book.follow([resource])
            try await self.running(book) {
                while await book.problems.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
                #expect(await book.problems.first?.message.contains(problem) == true)
                #expect(await book.keys.isEmpty)
            }
        }
        let book = self.book()
        let (resource, source) = Self.policy(.url("http://127.0.0.1:\(server.port)/keys"))
        await book.follow([resource])
        try await self.running(book) {
            while await book.keys.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
            #expect(await book.keys == [source: Self.keys])
            #expect(await book.problems.isEmpty)
        }
        try await server.stop()
    }
}

/// Records that end with the test.
private final class MemoryTable: RecordTable {
    private let records = Mutex<[String: String]>([:])

    func all() async throws -> [String: String] { self.records.withLock { $0 } }
    func put(_ name: String, _ text: String) async throws { self.records.withLock { $0[name] = text } }
    func remove(_ name: String) async throws { self.records.withLock { $0[name] = nil } }
}

/// Answers every GET with what `answer` says of its path.
private struct KeyServer {
    let port: Int
    private let channel: any Channel

    static func start(_ answer: @escaping @Sendable (String) -> (HTTPResponseStatus, String)) async throws -> KeyServer
    {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(KeyHandler(answer: answer))
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        return KeyServer(port: channel.localAddress?.port ?? 0, channel: channel)
    }

    func stop() async throws { try await self.channel.close().get() }
}

private final class KeyHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: @Sendable (String) -> (HTTPResponseStatus, String)

    init(answer: @escaping @Sendable (String) -> (HTTPResponseStatus, String)) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = self.unwrapInboundIn(data) else { return }
        let (status, text) = self.answer(head.uri)
        let body = ByteBuffer(string: text)
        var response = HTTPResponseHead(version: .http1_1, status: status)
        response.headers.add(name: "content-length", value: "\(body.readableBytes)")
        if status == .found { response.headers.add(name: "location", value: "/keys") }
        context.write(self.wrapOutboundOut(.head(response)), promise: nil)
        context.write(self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
    }
}

import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftMessage
import WeftModel

@testable import WeftProxy

@Suite struct BackPressureTests {
    /// More than all windows and socket buffers on the way together.
    private static let size = 200_000_000

    @Test(arguments: [AppProtocol.http, .h2c])
    func `a caller that does not read stops the application, not the proxy's memory`(
        appProtocol: AppProtocol
    )
        async throws
    {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(
                snapshot(
                    endpoints: [endpoint("a", port: app.port)], appProtocol: appProtocol,
                    // No time is too long: a request that ends leaves its rest unpoured.
                    route: { $0.timeouts.request = .zero }))
            let caller = try await StalledCaller.connect(
                on: group, port: sidecar.outboundPort,
                "GET /pour/\(Self.size) HTTP/1.1\r\nHost: billing\r\n\r\n")
            // Until nothing moves any more.
            var poured = -1
            while poured != app.poured || poured <= 0 {
                poured = app.poured
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(poured < Self.size / 4)
            #expect(await sidecar.server.load(.outbound).requests == 1)
            try await caller.readOn()
            while app.poured < Self.size { try await Task.sleep(for: .milliseconds(50)) }
            await sidecar.stop()
            await app.stop()
        }
    }
}

/// A caller that sends a text and reads nothing until told to.
private struct StalledCaller {
    let channel: any Channel

    static func connect(on group: any EventLoopGroup, port: Int, _ text: String) async throws -> StalledCaller {
        let channel = try await ClientBootstrap(group: group)
            .channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(string: text))
        return StalledCaller(channel: channel)
    }

    func readOn() async throws { try await self.channel.setOption(.autoRead, value: true).get() }
}

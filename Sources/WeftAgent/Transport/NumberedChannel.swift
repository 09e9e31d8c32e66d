internal import NIOCore

/// A connection under a remote address of our choice.
///
/// The gRPC transport tells its services nothing of a connection but its addresses, and all clients of a Unix socket have
/// the same. This channel passes everything on to the real one and says that the client is at `caller-NUMBER`.
final class NumberedChannel: Channel {
    private let base: any Channel
    private let number: Int

    init(_ base: any Channel, number: Int) {
        self.base = base
        self.number = number
    }

    /// How the gRPC transport writes the address of connection `number`.
    static func name(of number: Int) -> String { "unix:\(self.prefix)\(number)" }

    /// The number in such an address.
    static func number(of name: String) -> Int? {
        let prefix = "unix:\(self.prefix)"
        return name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count)) : nil
    }

    private static let prefix = "caller-"

    var remoteAddress: SocketAddress? { try? SocketAddress(unixDomainSocketPath: "\(Self.prefix)\(self.number)") }

    var allocator: ByteBufferAllocator { self.base.allocator }
    var closeFuture: EventLoopFuture<Void> { self.base.closeFuture }
    var pipeline: ChannelPipeline { self.base.pipeline }
    var localAddress: SocketAddress? { self.base.localAddress }
    var parent: (any Channel)? { self.base.parent }
    var isWritable: Bool { self.base.isWritable }
    var isActive: Bool { self.base.isActive }
    var _channelCore: any ChannelCore { self.base._channelCore }
    var eventLoop: any EventLoop { self.base.eventLoop }
    var syncOptions: (any NIOSynchronousChannelOptions)? { self.base.syncOptions }

    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        self.base.setOption(option, value: value)
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        self.base.getOption(option)
    }
}

internal import NIOCore
internal import WeftMessage

/// A request sent on an HTTP/1 connection. Once the exchange has ended it ignores every call.
final class HTTP1ClientStream: ClientStream {
    private var connection: HTTP1ClientConnection?
    private(set) var receiver: (any ClientStreamReceiver)?
    private var flushesBefore = 0
    private var wasFlushed = false

    func begin(_ connection: HTTP1ClientConnection, _ receiver: any ClientStreamReceiver, flushes: Int) {
        self.connection = connection
        self.receiver = receiver
        self.flushesBefore = flushes
        self.wasFlushed = false
    }

    /// Cuts the stream off and returns who was listening.
    func end() -> (any ClientStreamReceiver)? {
        self.wasFlushed = self.requestMayHaveBeenProcessed
        let receiver = self.receiver
        self.receiver = nil
        self.connection = nil
        return receiver
    }

    /// The head has been handed to the socket.
    var requestMayHaveBeenProcessed: Bool {
        self.connection.map { $0.flushes != self.flushesBefore } ?? self.wasFlushed
    }

    func sendData(_ data: ByteBuffer, end: Bool) { self.connection?.sendData(data, end: end) }
    func sendTrailers(_ trailers: HeaderBlock) { self.connection?.sendTrailers(trailers) }
    func consumed(_ bytes: Int) { self.connection?.consumed(bytes) }
    func reset(_ code: StreamResetCode) { self.connection?.reset() }
    var unsentBytes: Int { self.connection?.unsent ?? 0 }
}

import NIOCore
import WeftMessage

@testable import WeftHTTP

/// Writes down what a receiver hears, one line an event.
final class RecordingReceiver: ServerStreamReceiver, ClientStreamReceiver {
    var events: [String] = []
    var body = ""
    var request: RequestHead?
    var response: ResponseHead?
    var trailers: HeaderBlock?
    var failure: StreamFailure?
    var sent = 0
    var isClosed = false
    var ended = false
    /// What a server's user does when the head comes; nil does nothing.
    var onRequest: ((RecordingReceiver, Bool) -> Void)?
    var onEnd: ((RecordingReceiver) -> Void)?
    /// Returns credit at once.
    var consumes = true
    var stream: (any HTTPStream)?

    var server: (any ServerStream)? { self.stream as? any ServerStream }
    var client: (any ClientStream)? { self.stream as? any ClientStream }

    func streamReceived(request head: RequestHead, end: Bool) {
        self.request = head
        self.events.append("request \(head.method.text) \(head.path)\(end ? " end" : "")")
        self.ended = end
        self.onRequest?(self, end)
        if end { self.onEnd?(self) }
    }

    func streamReceived(informational head: ResponseHead) { self.events.append("informational \(head.status)") }

    func streamReceived(response head: ResponseHead, end: Bool) {
        self.response = head
        self.ended = end
        self.events.append("response \(head.status)\(end ? " end" : "")")
    }

    func streamReceived(data: ByteBuffer, end: Bool) {
        self.body += String(buffer: data)
        self.ended = end
        if self.consumes { self.stream?.consumed(data.readableBytes) }
        if end { self.onEnd?(self) }
    }

    func streamReceived(trailers: HeaderBlock) {
        self.trailers = trailers
        self.ended = true
        self.onEnd?(self)
    }

    func streamSent(bytes: Int) { self.sent += bytes }

    func streamFailed(_ failure: StreamFailure) {
        self.failure = failure
        self.events.append("failed")
    }

    func streamClosed() {
        self.isClosed = true
        self.events.append("closed")
    }
}

final class RecordingServer: ServerConnectionDelegate {
    var receivers: [RecordingReceiver] = []
    var refusals: [MessageRefusal] = []
    var refused: [RefusedRequest] = []
    var closed: ConnectionEnd?
    var prepare: (RecordingReceiver) -> Void = { _ in }

    func connectionOpened(_ stream: any ServerStream) -> any ServerStreamReceiver {
        let receiver = RecordingReceiver()
        receiver.stream = stream
        self.prepare(receiver)
        self.receivers.append(receiver)
        return receiver
    }

    func connectionClosed(_ reason: ConnectionEnd) { self.closed = reason }
    func connectionRefused(
        _ refusal: MessageRefusal, of request: RefusedRequest
    ) -> (head: ResponseHead, body: [UInt8])? {
        self.refusals.append(refusal)
        self.refused.append(request)
        return nil
    }
}

final class RecordingClient: ClientConnectionDelegate {
    var capacity = 0
    var stopped = false
    var closed: ConnectionEnd?

    func connectionHasCapacity() { self.capacity += 1 }
    func connectionStoppedAccepting() { self.stopped = true }
    func connectionClosed(_ reason: ConnectionEnd) { self.closed = reason }
}

/// Answers each request, once whole, with its own body, or "hello" where there is none.
func echo(_ receiver: RecordingReceiver) {
    receiver.onEnd = { receiver in
        var head = ResponseHead(status: 200)
        let body = receiver.body.isEmpty ? "hello" : receiver.body
        head.headers.append(.contentLength, body.utf8.count)
        receiver.server?.sendResponse(head, end: false)
        receiver.server?.sendData(ByteBuffer(string: body), end: true)
    }
}

/// A reproducible source of randomness.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return self.state ^ self.state >> 29
    }
}

package import NIOCore
package import WeftMessage

// One interface for HTTP/1.1 and HTTP/2: a stream carries one request and its response. The codec owns the stream
// object; whoever uses the stream is its receiver. Everything happens on the connection's event loop, and a codec may
// call its receiver from inside a call that the receiver made.
//
// Back-pressure is by credit, in both directions and end to end:
// - received bytes count against a limit until `consumed(_:)` returns them; a peer that outruns its reader is not read
//   from (HTTP/1.1) or gets no window (HTTP/2);
// - `streamSent(bytes:)` says when bytes given to `sendData` have left for the socket, so that a relay can say
//   `consumed` on its other side only then.

/// What one side of an exchange hears from its codec.
package protocol HTTPStreamReceiver: AnyObject {
    /// A body chunk. `end` is true when nothing follows, trailers included.
    func streamReceived(data: ByteBuffer, end: Bool)
    /// Trailers; nothing follows.
    func streamReceived(trailers: HeaderBlock)
    /// Bytes given to `sendData` have left for the socket; may be called from within `sendData`.
    func streamSent(bytes: Int)
    /// The stream ended before its message did. Called at most once; nothing follows, and nothing can be sent.
    func streamFailed(_ failure: StreamFailure)
    /// Both directions have ended well and the codec lets go of the stream; nothing follows.
    func streamClosed()
}

/// Hears the requests of one downstream connection's stream.
package protocol ServerStreamReceiver: HTTPStreamReceiver {
    /// The request head. `end` is true when the request has no body and no trailers.
    func streamReceived(request head: RequestHead, end: Bool)
    /// The request's `x-request-id`, for an answer that the codec gives in the receiver's place; nil where it has none.
    var requestID: String? { get }
}

extension ServerStreamReceiver {
    package var requestID: String? { nil }
}

/// Hears the response to a request sent upstream.
package protocol ClientStreamReceiver: HTTPStreamReceiver {
    /// A 1xx response that is not final; 101 comes as `response`.
    func streamReceived(informational head: ResponseHead)
    func streamReceived(response head: ResponseHead, end: Bool)
}

/// What a stream's user may do with it. After a failure or `reset`, every call is ignored.
package protocol HTTPStream: AnyObject {
    /// Sends a body chunk; `end` ends the message. The head must have been sent.
    func sendData(_ data: ByteBuffer, end: Bool)
    /// Sends trailers and ends the message. HTTP/1.1 sends them only on a chunked body.
    func sendTrailers(_ trailers: HeaderBlock)
    /// Returns credit for received bytes.
    func consumed(_ bytes: Int)
    /// Gives the stream up: RST_STREAM in HTTP/2, closing the connection in HTTP/1.1. The receiver hears nothing more.
    func reset(_ code: StreamResetCode)
    /// Bytes accepted by `sendData` that have not left for the socket.
    var unsentBytes: Int { get }
}

/// A request from downstream, waiting for its response.
package protocol ServerStream: HTTPStream {
    func sendInformational(_ head: ResponseHead)
    /// Sends the response head. `end` when there is neither body nor trailers.
    func sendResponse(_ head: ResponseHead, end: Bool)
}

/// A request on its way upstream.
package protocol ClientStream: HTTPStream {
    /// Whether a byte of this request may have reached the peer's application. False means another attempt is safe.
    var requestMayHaveBeenProcessed: Bool { get }
}

/// Why a stream ended before its message did.
package enum StreamFailure: Error, Hashable, Sendable {
    /// The peer reset the stream.
    case reset(StreamResetCode)
    /// HTTP/2: refused before any processing (REFUSED_STREAM, or above GOAWAY's last stream). Always safe to retry.
    case refused
    /// The connection closed in the middle.
    case connectionClosed
    /// The peer broke the protocol; the text says how.
    case protocolError(String)
    /// The peer's head was larger than the limit.
    case headersTooLarge
    /// The connection failed below HTTP (TLS alert, socket error); the text says how.
    case transport(String)
}

/// An HTTP/2 error code (RFC 9113 §7), with what each means for HTTP/1.1 being: close.
package struct StreamResetCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let noError = Self(rawValue: 0x0)
    package static let protocolError = Self(rawValue: 0x1)
    package static let internalError = Self(rawValue: 0x2)
    package static let flowControlError = Self(rawValue: 0x3)
    package static let settingsTimeout = Self(rawValue: 0x4)
    package static let streamClosed = Self(rawValue: 0x5)
    package static let frameSizeError = Self(rawValue: 0x6)
    package static let refusedStream = Self(rawValue: 0x7)
    package static let cancel = Self(rawValue: 0x8)
    package static let compressionError = Self(rawValue: 0x9)
    package static let connectError = Self(rawValue: 0xa)
    package static let enhanceYourCalm = Self(rawValue: 0xb)
    package static let inadequateSecurity = Self(rawValue: 0xc)
    package static let http11Required = Self(rawValue: 0xd)
}

/// Takes the streams of a downstream connection.
package protocol ServerConnectionDelegate: AnyObject {
    /// A request begins: who hears it? Called before its head is delivered.
    func connectionOpened(_ stream: any ServerStream) -> any ServerStreamReceiver
    /// The connection has closed; its streams have been told before.
    func connectionClosed(_ reason: ConnectionEnd)
    /// A request that never became a stream is refused by the codec (400, 414, 431, …): what to say to whoever sent it;
    /// nil says the status alone.
    func connectionRefused(
        _ refusal: MessageRefusal, of request: RefusedRequest
    ) -> (head: ResponseHead, body: [UInt8])?
    /// The same for a request that has a stream, whose receiver then hears `protocolError`.
    func connectionAnswer(
        to refusal: MessageRefusal, requestID: String?
    ) -> (head: ResponseHead, body: [UInt8])?
}

extension ServerConnectionDelegate {
    package func connectionAnswer(
        to refusal: MessageRefusal, requestID: String?
    ) -> (head: ResponseHead, body: [UInt8])? { nil }
}

/// A downstream connection's codec.
package protocol ServerConnection: AnyObject {
    /// Streams open now.
    var openStreams: Int { get }
    /// Finishes what is open and takes nothing new: `Connection: close`, or GOAWAY in two steps; closes when empty.
    func drain()
    /// Ends now: open streams fail, and their peer is told by resets and GOAWAY, or by a connection that breaks.
    func close()
}

/// Hears what becomes of an upstream connection.
package protocol ClientConnectionDelegate: AnyObject {
    /// More streams may be opened than before (a stream ended, or the peer raised its limit).
    func connectionHasCapacity()
    /// No new streams: GOAWAY, `Connection: close`, drain. Open ones go on.
    func connectionStoppedAccepting()
    /// The connection has closed; its streams have been told before.
    func connectionClosed(_ reason: ConnectionEnd)
}

/// An upstream connection's codec.
package protocol ClientConnection: AnyObject {
    /// Streams open now.
    var openStreams: Int { get }
    /// Streams that may be opened at once now; zero when closed or not accepting.
    var availableStreams: Int { get }
    /// Opens a stream and sends the request head; nil when none is available. `end` when there is no body.
    func open(_ head: RequestHead, end: Bool, receiver: any ClientStreamReceiver) -> (any ClientStream)?
    /// Takes no new streams; closes when the open ones have ended.
    func drain()
    /// Closes now; open streams fail.
    func close()
}

/// Why a connection ended.
package enum ConnectionEnd: Hashable, Sendable {
    /// Closed in order, by either side, with nothing lost.
    case closed
    /// The peer broke the protocol; the text says how.
    case protocolError(String)
    /// Socket or TLS error; the text says which.
    case transport(String)
    /// Idle for too long, or the head took too long.
    case timeout
}

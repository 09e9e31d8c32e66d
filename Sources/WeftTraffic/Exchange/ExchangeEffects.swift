/// What the driver does after telling an exchange something.
///
/// A set, carried out in the order in which the members are listed here; it holds no heap storage. What an effect is
/// about stands in the exchange's properties named beside it. A body chunk answered with neither `hold` nor
/// `forwardRequest` (or, from upstream, without `forwardResponse`) is dropped, and its credit returned.
package struct ExchangeEffects: OptionSet, Sendable, Hashable {
    package let rawValue: UInt32

    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The library's own is not specialised in other modules, which costs a request more than all decisions about it.
    @inlinable package init(arrayLiteral elements: Self...) {
        var value: UInt32 = 0
        for element in elements { value |= element.rawValue }
        self.init(rawValue: value)
    }

    @inlinable package func contains(_ member: Self) -> Bool { self.rawValue & member.rawValue == member.rawValue }

    /// Exchange the two streams: what was said of the second attempt holds for the first from here on.
    package static let promoteHedge = Self(rawValue: 1 << 12)
    /// Give up the second attempt, wherever it stands. Ignore what it still says.
    package static let abandonHedge = Self(rawValue: 1 << 13)
    /// Give up the attempt's upstream stream: RST_STREAM(CANCEL), or close for HTTP/1.1. Ignore what it still says.
    package static let resetUpstream = Self(rawValue: 1 << 0)
    /// Stop waiting for the connection asked for by `connect`.
    package static let abandonConnect = Self(rawValue: 1 << 1)
    /// Keep this chunk (or these trailers) for sending later. Its credit is returned when it is first sent.
    package static let hold = Self(rawValue: 1 << 2)
    /// Forget everything held: there will be no other attempt.
    package static let dropHeld = Self(rawValue: 1 << 3)
    /// Send this chunk (or these trailers) upstream.
    package static let forwardRequest = Self(rawValue: 1 << 4)
    /// Ask the pool of `endpoint` for a connection; answer `connectionReady` or `attemptFailed`, now or later.
    package static let connect = Self(rawValue: 1 << 5)
    /// Open a stream with `head` and `endsWithHead`, then send all that is held, in order, and keep it held.
    package static let sendRequest = Self(rawValue: 1 << 6)
    /// Ask the pool of `rivalEndpoint` for a connection; answer `hedgeReady` or `hedgeFailed`, now or later.
    package static let connectHedge = Self(rawValue: 1 << 14)
    /// Open the second attempt's stream, as `sendRequest` does the first's.
    package static let sendHedge = Self(rawValue: 1 << 15)
    /// Pass this 1xx head downstream.
    package static let forwardInformational = Self(rawValue: 1 << 7)
    /// Pass the response head, chunk or trailers just told downstream.
    package static let forwardResponse = Self(rawValue: 1 << 8)
    /// Answer downstream with `reply`, through `LocalReplyRenderer`.
    package static let reply = Self(rawValue: 1 << 9)
    /// Reset the downstream stream: the response had begun.
    package static let resetDownstream = Self(rawValue: 1 << 10)
    /// The exchange is over: read `record`, drop the timer. Later inputs are ignored.
    package static let finished = Self(rawValue: 1 << 11)
}

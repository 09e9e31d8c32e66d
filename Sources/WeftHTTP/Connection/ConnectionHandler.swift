package import NIOCore

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// What all codecs share: bytes in, bytes out, one flush per read cycle, pausing, and one lazy timer.
///
/// Writes collect in `output`. Within a read cycle they leave at its end; otherwise with the current batch of events,
/// so that many frames of many streams become one channel write. While the channel takes no more they stay there: each
/// write of its own would cost a buffer, however few its bytes, and a peer that does not read could make us hold
/// thousands of them.
package class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = Never
    package typealias OutboundOut = ByteBuffer

    /// Nil before the handler is added, and after the channel has closed.
    final var context: ChannelHandlerContext?
    /// Received bytes that have not been parsed.
    final var input = ByteBuffer()
    /// Bytes to be sent with the next flush.
    final var output = ByteBuffer()
    /// Whether the socket takes more bytes without piling them up.
    final var writable: Bool { self.channelTakesMore && !self.probing }
    /// Whether `channelRead` is going on and `channelReadComplete` will follow.
    final var inReadCycle = false
    /// The peer sends nothing more.
    final var inputEnded = false
    /// Done when everything before the end of the output has left; nil while the output goes on.
    private var outputLeftForGood: EventLoopFuture<Void>?
    private var lastHasLeft = false
    /// Why the connection is about to end; the first cause wins.
    final var end: ConnectionEnd?
    final var isClosing = false
    /// The socket is not read from until `resumeReading`.
    private(set) final var isPaused = false
    /// Flushes so far.
    private(set) final var flushes = 0

    private var started = false
    private var ended = false
    private var flushing = false
    private var flushWanted = false
    private var flushScheduled = false
    private var channelTakesMore = true
    /// The channel has been given bytes that it has not been told to send. It would never take more for waiting for them.
    private var unflushed = false
    /// A write whose leaving will be told is under way.
    private var probing = false
    /// Buffers given to the channel since it was known to have none.
    private var unconfirmed = 0
    /// What the next flush is likely to hold, where it is more than is kept.
    private var outputHint = 0
    private var readWithheld = false
    /// Bytes that came while the connection was closing.
    private var dropped = 0
    private var deadline: NIODeadline?
    private var timerDue: NIODeadline?
    private var timer: Scheduled<Void>?

    init() {}

    // MARK: What a codec overrides

    /// The channel is active.
    func connected() {}
    /// `input` has grown, or the peer has ended (`inputEnded`).
    func inputArrived() {}
    /// Everything written so far has left for the socket.
    func outputLeft() {}
    /// The socket takes no more for now; `outputLeft` will follow when it does.
    func outputBlocked() {}
    /// The channel has closed. Called once, last.
    func disconnected(_ reason: ConnectionEnd) {}
    /// The time set by `setTimeout` is over.
    func timedOut() {}

    // MARK: Output

    /// Most bytes collected before they are handed to the channel in the middle of a cycle.
    private static var outputBound: Int { 262_144 }
    /// Capacity that `output` keeps between flushes: most connections are idle most of the time.
    private static var keptCapacity: Int { 4_096 }
    /// Writes below this are copied next to others rather than handed on as they are, with all the memory behind them.
    private static var leastThrough: Int { 1_024 }
    /// The same while the channel takes no more.
    private static var leastThroughBlocked: Int { 16_384 }
    /// A channel says that it takes no more only after so many bytes, and bytes may come one at a time. So one write in this
    /// many is asked to tell when it has left, and until then nothing follows it.
    private static var probeInterval: Int { 32 }

    /// More waits for a peer that does not read than should: take nothing that makes for more until `outputLeft`.
    final var outputIsFull: Bool { !self.writable && self.output.readableBytes > Self.outputBound }

    /// Before much is written: the memory that a flush has needed lately, at once.
    @inline(__always)
    final func expectOutput() {
        if self.output.capacity < self.outputHint { self.output.reserveCapacity(self.outputHint) }
    }

    /// Sees to it that what has been written is flushed: at the end of this read cycle, or of this batch of events.
    final func flushSoon() {
        self.flushWanted = true
        guard self.writable || self.unflushed else { return }
        if self.output.readableBytes > Self.outputBound { return self.flushOutput(force: false) }
        guard !self.inReadCycle, !self.flushScheduled, !self.flushing, let context = self.context else { return }
        self.flushScheduled = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let handler = bound.value
            handler.flushScheduled = false
            if handler.flushWanted { handler.flushOutput(force: false) }
        }
    }

    /// Flushes at the end of this read cycle, or now when none is going on: for the last bytes of a message.
    final func flushAtOnce() {
        self.flushWanted = true
        if !self.inReadCycle { self.flushOutput(force: false) }
    }

    /// Hands all output to the channel, whether it takes more or not: for what ends the output or this handler.
    final func flushNow() { self.flushOutput(force: true) }

    private func flushOutput(force: Bool) {
        guard let context = self.context, !self.flushing else { return }
        guard force || self.writable else { return self.flushGiven(context) }
        self.flushing = true
        self.unflushed = false
        self.flushWanted = false
        self.flushes &+= 1
        var buffer = ByteBuffer()
        swap(&buffer, &self.output)
        let count = buffer.readableBytes
        if count > 0 { self.unconfirmed += 1 }
        if self.unconfirmed >= Self.probeInterval, !self.probing {
            context.write(Self.wrapOutboundOut(buffer), promise: self.makeProbe(context))
        } else if count > 0 {
            context.write(Self.wrapOutboundOut(buffer), promise: nil)
        }
        context.flush()
        self.outputHint = count > Self.keptCapacity ? min(count, 65_536) : self.outputHint / 2
        if self.output.capacity == 0, buffer.capacity > 0, buffer.capacity <= Self.keptCapacity {
            // The channel has usually let go of the bytes by now, and their storage serves again; else this makes none.
            buffer.clear(minimumCapacity: 0)
            self.output = buffer
        }
        self.flushing = false
        guard self.context != nil else { return }
        if self.writable { self.outputLeft() } else { self.outputBlocked() }
        if self.flushWanted { self.flushSoon() }
    }

    /// What the channel has, it may send; `output` stays until it takes more.
    private func flushGiven(_ context: ChannelHandlerContext) {
        guard self.unflushed else { return }
        self.unflushed = false
        self.flushes &+= 1
        self.flushing = true
        context.flush()
        self.flushing = false
        if self.context != nil { self.writabilityChanged() }
    }

    private func makeProbe(_ context: ChannelHandlerContext) -> EventLoopPromise<Void> {
        self.probing = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in
            let handler = bound.value
            handler.probing = false
            handler.unconfirmed = 0
            if !handler.flushing, handler.context != nil { handler.writabilityChanged() }
        }
        return promise
    }

    private func writabilityChanged() {
        guard self.writable else { return self.outputBlocked() }
        if self.flushWanted { self.flushOutput(force: false) } else { self.outputLeft() }
    }

    /// Writes a large body without copying it.
    final func writeThrough(_ data: ByteBuffer) {
        guard let context = self.context else { return }
        if data.readableBytes < (self.writable ? Self.leastThrough : Self.leastThroughBlocked) {
            self.output.writeImmutableBuffer(data)
            self.flushWanted = true
            return
        }
        if self.output.readableBytes > 0 {
            context.write(Self.wrapOutboundOut(self.output), promise: nil)
            self.output = ByteBuffer()
            self.unconfirmed += 1
        }
        self.unconfirmed += 1
        context.write(Self.wrapOutboundOut(data), promise: nil)
        self.unflushed = true
        self.flushWanted = true
    }

    /// Closes when everything written has left, after telling the peer that nothing follows; what the peer still sends is
    /// dropped for a moment, since closing with unread bytes would reset the connection and lose the last answer.
    final func closeAfterFlush(linger: Bool, reason: ConnectionEnd = .closed) {
        guard let context = self.context, !self.isClosing else { return }
        self.isClosing = true
        if self.end == nil { self.end = reason }
        self.resumeReading()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        // A write after the end of the output would fail at once, while what was written before may be under way still.
        if let outputLeft = self.outputLeftForGood {
            outputLeft.whenComplete { _ in bound.value.context?.close(promise: nil) }
            return self.boundClosing(context)
        }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { _ in
            bound.value.lastHasLeft = true
            guard let context = bound.value.context else { return }
            guard linger, !bound.value.inputEnded else { return context.close(promise: nil) }
            context.close(mode: .output, promise: nil)
            _ = context.eventLoop.scheduleTask(in: .seconds(1)) { bound.value.context?.close(promise: nil) }
        }
        var last = ByteBuffer()
        swap(&last, &self.output)
        self.flushWanted = false
        self.flushes &+= 1
        context.writeAndFlush(Self.wrapOutboundOut(last), promise: written)
        self.boundClosing(context)
    }

    /// A peer that does not read must not keep a connection open that is about to close.
    private func boundClosing(_ context: ChannelHandlerContext) {
        guard !self.lastHasLeft else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        _ = context.eventLoop.scheduleTask(in: .seconds(60)) {
            if !bound.value.lastHasLeft { bound.value.context?.close(promise: nil) }
        }
    }

    /// Tells the peer that nothing follows what has been written; what it sends is still read.
    final func endOutput() {
        guard let context = self.context, !self.isClosing, self.outputLeftForGood == nil else { return }
        self.flushWanted = true
        self.flushNow()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let written = context.eventLoop.makePromise(of: Void.self)
        self.outputLeftForGood = written.futureResult
        written.futureResult.whenComplete { _ in
            bound.value.lastHasLeft = true
            bound.value.context?.close(mode: .output, promise: nil)
        }
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: written)
    }

    /// Closes at once in a way that the peer cannot take for an end in order: RST rather than FIN, where the socket can.
    final func abort(_ reason: ConnectionEnd) {
        if let socket = self.context?.channel as? any SocketOptionProvider {
            socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { _ in }
        }
        self.closeNow(reason)
    }

    /// Closes at once; what has not left is lost.
    final func closeNow(_ reason: ConnectionEnd) {
        if self.end == nil { self.end = reason }
        self.isClosing = true
        self.context?.close(promise: nil)
    }

    // MARK: Reading

    /// Stops reading from the socket; bytes already under way may still arrive.
    final func pauseReading() { self.isPaused = true }

    final func resumeReading() {
        guard self.dropped <= Self.droppedBound else { return }
        self.isPaused = false
        guard self.readWithheld else { return }
        self.readWithheld = false
        self.context?.read()
    }

    package final func read(context: ChannelHandlerContext) {
        if self.isPaused { self.readWithheld = true } else { context.read() }
    }

    package final func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isClosing else { return self.drop(Self.unwrapInboundIn(data).readableBytes, context) }
        self.inReadCycle = true
        var bytes = Self.unwrapInboundIn(data)
        if self.input.readableBytes == 0 {
            self.input = bytes
        } else {
            if self.input.readerIndex > 0 { self.input.discardReadBytes() }
            self.input.writeBuffer(&bytes)
        }
        self.inputArrived()
        if self.input.readableBytes == 0 { self.input = ByteBuffer() }
    }

    /// Most bytes that are read and dropped so that a closing connection's last answer is not lost.
    private static var droppedBound: Int { 1_048_576 }

    /// A peer that goes on sending to a closing connection is not read from for long. When it has not even taken what was
    /// written it never will; otherwise it has a moment left to read that.
    private func drop(_ bytes: Int, _ context: ChannelHandlerContext) {
        self.dropped += bytes
        guard self.dropped > Self.droppedBound, !self.isPaused else { return }
        self.pauseReading()
        if !self.lastHasLeft { context.close(promise: nil) }
    }

    package final func channelReadComplete(context: ChannelHandlerContext) {
        self.inReadCycle = false
        if self.flushWanted { self.flushOutput(force: false) }
    }

    // MARK: Timer

    /// Calls `timedOut` after this time, in place of what was set before; nil never.
    final func setTimeout(_ amount: TimeAmount?) {
        guard let amount, let context = self.context else {
            self.deadline = nil
            return
        }
        self.setDeadline(context.eventLoop.now + amount)
    }

    /// Calls `timedOut` then, in place of what was set before; nil never.
    final func setDeadline(_ due: NIODeadline?) {
        self.deadline = due
        guard let due, let context = self.context else { return }
        // An earlier timer finds out by itself that it came too soon; only a later one must be moved.
        if let timerDue = self.timerDue, timerDue <= due { return }
        self.timer?.cancel()
        self.startTimer(due, context)
    }

    private func startTimer(_ due: NIODeadline, _ context: ChannelHandlerContext) {
        self.timerDue = due
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        self.timer = context.eventLoop.scheduleTask(deadline: due) { bound.value.timerFired() }
    }

    private func timerFired() {
        self.timerDue = nil
        self.timer = nil
        guard let context = self.context, let deadline = self.deadline else { return }
        if context.eventLoop.now >= deadline {
            self.deadline = nil
            self.timedOut()
        } else {
            self.startTimer(deadline, context)
        }
    }

    // MARK: Channel events

    package final func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.start() }
    }

    package final func channelActive(context: ChannelHandlerContext) {
        self.start()
        context.fireChannelActive()
    }

    private func start() {
        guard !self.started else { return }
        self.started = true
        self.connected()
    }

    package final func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.channelTakesMore = context.channel.isWritable
        if !self.flushing { self.writabilityChanged() }
    }

    package final func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { self.endInput() }
        context.fireUserInboundEventTriggered(event)
    }

    private func endInput() {
        guard !self.inputEnded else { return }
        self.inputEnded = true
        if self.isClosing {
            // Unless the last of the output is under way: then it closes when that has left.
            if self.lastHasLeft { self.context?.close(promise: nil) }
        } else {
            self.inputArrived()
        }
    }

    package final func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.end == nil { self.end = .transport(String(describing: error)) }
        self.isClosing = true
        context.close(promise: nil)
    }

    package final func channelInactive(context: ChannelHandlerContext) {
        if self.end == nil, !self.inputEnded { self.endInput() }
        self.finish()
        context.fireChannelInactive()
    }

    package final func handlerRemoved(context: ChannelHandlerContext) {
        self.finish()
    }

    private func finish() {
        guard !self.ended else { return }
        self.ended = true
        self.isClosing = true
        self.timer?.cancel()
        self.timer = nil
        self.context = nil
        self.input = ByteBuffer()
        self.output = ByteBuffer()
        self.disconnected(self.end ?? .closed)
    }
}

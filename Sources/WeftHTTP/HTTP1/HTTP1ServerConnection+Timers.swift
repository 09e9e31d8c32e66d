internal import NIOCore

/// How long a peer may take, during an exchange, for what it owes: its body, and room for the response.
extension HTTP1ServerConnection {
    func exchangeTimedOut() {
        guard let now = self.context?.eventLoop.now else { return }
        if let stallDue = self.stallDue, now >= stallDue {
            return self.abort(.timeout)
        }
        // What was owed may have become free since, by the beginning of a response.
        if self.inBody { self.watchBody() }
        if self.pace.isLate(self.limits, now: now) {
            self.refuse(MessageRefusal(status: 408, cause: "the body came too slowly"))
        } else {
            self.armTimer()
        }
    }

    /// Looks at what the peer owes of the body; not while there may be more of it in `input`.
    func watchBody() {
        guard self.stream != nil, !self.parsing, let context = self.context else { return }
        var owed = self.isPaused ? .nothing : self.body.owed(self.input)
        if owed == .chunk, self.headSent { owed = .nothing }
        let due = self.pace.due
        self.pace.awaits(owed, self.limits, now: context.eventLoop.now)
        if self.pace.due != due { self.armTimer() }
    }

    /// Sets the timer to the first of what is awaited during an exchange.
    func armTimer() {
        guard self.stream != nil, let context = self.context else { return }
        let due: NIODeadline? =
            switch (self.stallDue, self.pace.due) {
            case (let stall?, let body?): min(stall, body)
            case (let stall, let body): stall ?? body
            }
        self.setTimeout(due.map { $0 - context.eventLoop.now })
    }

    /// Something waits for the socket: the peer must take it within the time allowed.
    func watchForStall() {
        guard !self.writable else { return }
        guard self.stream != nil else { return self.setTimeout(self.limits.stallTimeout) }
        guard let context = self.context, let time = self.limits.stallTimeout else { return }
        self.stallDue = context.eventLoop.now + time
        self.armTimer()
    }
}

/// Why a codec refused a request.
package struct MessageRefusal: Error, Hashable, Sendable {
    /// What was answered: 400, 408, 414, 417, 426, 431, 501, 505.
    package var status: Int
    /// What was wrong, for the log; never sent.
    package var cause: String

    package init(status: Int, cause: String) {
        self.status = status
        self.cause = cause
    }

    /// It was refused for its size rather than for what it says.
    package var isTooLarge: Bool { self.status == 414 || self.status == 431 }

    /// What the receiver of a stream hears of it.
    var failure: StreamFailure { self.isTooLarge ? .headersTooLarge : .protocolError(self.cause) }
}

/// How the end of an HTTP/1 message's body is found.
enum BodyFraming: Equatable {
    case none
    case length(Int)
    case chunked
    /// Responses only: everything until the connection closes.
    case untilClose
}

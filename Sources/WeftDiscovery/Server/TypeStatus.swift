/// What a client said about one type of resource: for status, never for deciding.
package struct TypeStatus: Hashable, Sendable {
    /// The view's version in the newest response sent.
    package var sent: String?
    /// The view's version in the newest response accepted.
    package var accepted: String?
    /// The newest refusal, until a later response is accepted.
    package var rejection: Rejection?

    package struct Rejection: Hashable, Sendable {
        /// The view's version in the refused response.
        package var version: String
        /// The resources that it carried.
        package var resources: [String]
        /// What the client said.
        package var message: String
    }
}

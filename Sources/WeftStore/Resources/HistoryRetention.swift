/// How much of the past a store keeps. What resources are now is never part of it.
package struct HistoryRetention: Hashable, Sendable {
    /// Change sets at most. Default 10 000; at least 1.
    package var sets = 10_000
    /// How old a change set may be. Default 90 days.
    package var age = Duration.seconds(90 * 86_400)
    /// Change sets that stay whatever their age, so that neither a quiet year nor a clock that jumped takes the past
    /// away. Default 100; at least 1.
    package var atLeast = 100

    package init() {}
}

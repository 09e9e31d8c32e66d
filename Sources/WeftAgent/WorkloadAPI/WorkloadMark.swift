internal import GRPCCore

/// Refuses calls without the metadata that the Workload API demands: a program that can be made to call any address does
/// not send it.
///
/// Source: SPIFFE Workload API.
struct WorkloadMark: ServerInterceptor {
    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next: @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        guard request.metadata[stringValues: "workload.spiffe.io"].contains("true") else {
            throw RPCError(
                code: .invalidArgument, message: "the metadata `workload.spiffe.io: true` is missing from the call")
        }
        return try await next(request, context)
    }
}

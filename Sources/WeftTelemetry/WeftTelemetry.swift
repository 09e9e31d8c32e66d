// WeftTelemetry

// WeftCompiler

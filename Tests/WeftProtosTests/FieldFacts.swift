/// What xDS, SPIFFE and OTLP say about each message and enum in our subset: name, number, type, and whether repeated.
///
/// Taken from the descriptors that Envoy 1.40, gRPC 1.85 and OTLP 1.11 carry, not from our own files.
let fieldFacts = """
    envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget
      budget_percent 1 envoy.type.v3.Percent
      min_retry_concurrency 2 google.protobuf.UInt32Value
      budget_interval 3 google.protobuf.Duration
    envoy.config.cluster.v3.CircuitBreakers.Thresholds
      priority 1 envoy.config.core.v3.RoutingPriority
      max_connections 2 google.protobuf.UInt32Value
      max_pending_requests 3 google.protobuf.UInt32Value
      max_requests 4 google.protobuf.UInt32Value
      max_retries 5 google.protobuf.UInt32Value
      retry_budget 8 envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget
    envoy.config.cluster.v3.CircuitBreakers
      thresholds 1 envoy.config.cluster.v3.CircuitBreakers.Thresholds repeated
    envoy.config.cluster.v3.Cluster.DiscoveryType
      STATIC 0 enum-value
      STRICT_DNS 1 enum-value
      LOGICAL_DNS 2 enum-value
      EDS 3 enum-value
      ORIGINAL_DST 4 enum-value
    envoy.config.cluster.v3.Cluster.LbPolicy
      ROUND_ROBIN 0 enum-value
      LEAST_REQUEST 1 enum-value
      RING_HASH 2 enum-value
      RANDOM 3 enum-value
      MAGLEV 5 enum-value
      CLUSTER_PROVIDED 6 enum-value
      LOAD_BALANCING_POLICY_CONFIG 7 enum-value
    envoy.config.cluster.v3.Cluster.EdsClusterConfig
      eds_config 1 envoy.config.core.v3.ConfigSource
      service_name 2 string
    envoy.config.cluster.v3.Cluster.CommonLbConfig
      healthy_panic_threshold 1 envoy.type.v3.Percent
      locality_weighted_lb_config 3 envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig
      zone_aware_lb_config 2 envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig
    envoy.config.cluster.v3.Cluster
      name 1 string
      type 2 envoy.config.cluster.v3.Cluster.DiscoveryType
      eds_cluster_config 3 envoy.config.cluster.v3.Cluster.EdsClusterConfig
      connect_timeout 4 google.protobuf.Duration
      lb_policy 6 envoy.config.cluster.v3.Cluster.LbPolicy
      circuit_breakers 10 envoy.config.cluster.v3.CircuitBreakers
      transport_socket 24 envoy.config.core.v3.TransportSocket
      metadata 25 envoy.config.core.v3.Metadata
      common_lb_config 27 envoy.config.cluster.v3.Cluster.CommonLbConfig
      load_assignment 33 envoy.config.endpoint.v3.ClusterLoadAssignment
      lrs_server 42 envoy.config.core.v3.ConfigSource
      typed_extension_protocol_options 36 map<string,google.protobuf.Any>
      health_checks 8 envoy.config.core.v3.HealthCheck repeated
      outlier_detection 19 envoy.config.cluster.v3.OutlierDetection
      ring_hash_lb_config 23 envoy.config.cluster.v3.Cluster.RingHashLbConfig
      least_request_lb_config 37 envoy.config.cluster.v3.Cluster.LeastRequestLbConfig
      maglev_lb_config 52 envoy.config.cluster.v3.Cluster.MaglevLbConfig
      round_robin_lb_config 56 envoy.config.cluster.v3.Cluster.RoundRobinLbConfig
      dns_refresh_rate 16 google.protobuf.Duration
      dns_lookup_family 17 envoy.config.cluster.v3.Cluster.DnsLookupFamily
    envoy.config.core.v3.Pipe
      path 1 string
    envoy.config.core.v3.SocketAddress.Protocol
      TCP 0 enum-value
      UDP 1 enum-value
    envoy.config.core.v3.SocketAddress
      protocol 1 envoy.config.core.v3.SocketAddress.Protocol
      address 2 string
      port_value 3 uint32
      named_port 4 string
    envoy.config.core.v3.Address
      socket_address 1 envoy.config.core.v3.SocketAddress
      pipe 2 envoy.config.core.v3.Pipe
    envoy.config.core.v3.RoutingPriority
      DEFAULT 0 enum-value
      HIGH 1 enum-value
    envoy.config.core.v3.TrafficDirection
      UNSPECIFIED 0 enum-value
      INBOUND 1 enum-value
      OUTBOUND 2 enum-value
    envoy.config.core.v3.Locality
      region 1 string
      zone 2 string
      sub_zone 3 string
    envoy.config.core.v3.BuildVersion
      version 1 envoy.type.v3.SemanticVersion
      metadata 2 google.protobuf.Struct
    envoy.config.core.v3.Node
      id 1 string
      cluster 2 string
      metadata 3 google.protobuf.Struct
      locality 4 envoy.config.core.v3.Locality
      user_agent_name 6 string
      user_agent_version 7 string
      user_agent_build_version 8 envoy.config.core.v3.BuildVersion
      client_features 10 string repeated
      listening_addresses 11 envoy.config.core.v3.Address repeated
    envoy.config.core.v3.ControlPlane
      identifier 1 string
    envoy.config.core.v3.Metadata
      filter_metadata 1 map<string,google.protobuf.Struct>
      typed_filter_metadata 2 map<string,google.protobuf.Any>
    envoy.config.core.v3.HeaderValue
      key 1 string
      value 2 string
      raw_value 3 bytes
    envoy.config.core.v3.HeaderValueOption.HeaderAppendAction
      APPEND_IF_EXISTS_OR_ADD 0 enum-value
      ADD_IF_ABSENT 1 enum-value
      OVERWRITE_IF_EXISTS_OR_ADD 2 enum-value
      OVERWRITE_IF_EXISTS 3 enum-value
    envoy.config.core.v3.HeaderValueOption
      header 1 envoy.config.core.v3.HeaderValue
      append_action 3 envoy.config.core.v3.HeaderValueOption.HeaderAppendAction
      keep_empty_value 4 bool
    envoy.config.core.v3.DataSource
      filename 1 string
      inline_bytes 2 bytes
      inline_string 3 string
      environment_variable 4 string
    envoy.config.core.v3.TransportSocket
      name 1 string
      typed_config 3 google.protobuf.Any
    envoy.config.core.v3.ApiVersion
      AUTO 0 enum-value
      V2 1 enum-value
      V3 2 enum-value
    envoy.config.core.v3.SelfConfigSource
      transport_api_version 1 envoy.config.core.v3.ApiVersion
    envoy.config.core.v3.ConfigSource
      ads 3 envoy.config.core.v3.AggregatedConfigSource
      self 5 envoy.config.core.v3.SelfConfigSource
      initial_fetch_timeout 4 google.protobuf.Duration
      resource_api_version 6 envoy.config.core.v3.ApiVersion
    envoy.config.core.v3.HealthStatus
      UNKNOWN 0 enum-value
      HEALTHY 1 enum-value
      UNHEALTHY 2 enum-value
      DRAINING 3 enum-value
      TIMEOUT 4 enum-value
      DEGRADED 5 enum-value
    envoy.config.core.v3.HttpProtocolOptions
      idle_timeout 1 google.protobuf.Duration
      max_stream_duration 4 google.protobuf.Duration
    envoy.config.core.v3.KeepaliveSettings
      interval 1 google.protobuf.Duration
      timeout 2 google.protobuf.Duration
    envoy.config.core.v3.Http2ProtocolOptions
      max_concurrent_streams 2 google.protobuf.UInt32Value
      connection_keepalive 15 envoy.config.core.v3.KeepaliveSettings
    envoy.config.endpoint.v3.ClusterLoadAssignment.Policy
      overprovisioning_factor 3 google.protobuf.UInt32Value
    envoy.config.endpoint.v3.ClusterLoadAssignment
      cluster_name 1 string
      endpoints 2 envoy.config.endpoint.v3.LocalityLbEndpoints repeated
      policy 4 envoy.config.endpoint.v3.ClusterLoadAssignment.Policy
    envoy.config.endpoint.v3.ClusterStats.DroppedRequests
      category 1 string
      dropped_count 2 uint64
    envoy.config.endpoint.v3.ClusterStats
      cluster_name 1 string
      upstream_locality_stats 2 envoy.config.endpoint.v3.UpstreamLocalityStats repeated
      total_dropped_requests 3 uint64
      load_report_interval 4 google.protobuf.Duration
      dropped_requests 5 envoy.config.endpoint.v3.ClusterStats.DroppedRequests repeated
      cluster_service_name 6 string
    envoy.config.endpoint.v3.UpstreamLocalityStats
      locality 1 envoy.config.core.v3.Locality
      total_successful_requests 2 uint64
      total_requests_in_progress 3 uint64
      total_error_requests 4 uint64
      priority 6 uint32
      total_issued_requests 8 uint64
    envoy.service.load_stats.v3.LoadStatsRequest
      node 1 envoy.config.core.v3.Node
      cluster_stats 2 envoy.config.endpoint.v3.ClusterStats repeated
    envoy.service.load_stats.v3.LoadStatsResponse
      clusters 1 string repeated
      load_reporting_interval 2 google.protobuf.Duration
      report_endpoint_granularity 3 bool
      send_all_clusters 4 bool
    envoy.config.endpoint.v3.Endpoint
      address 1 envoy.config.core.v3.Address
      hostname 3 string
    envoy.config.endpoint.v3.LbEndpoint
      endpoint 1 envoy.config.endpoint.v3.Endpoint
      endpoint_name 5 string
      health_status 2 envoy.config.core.v3.HealthStatus
      metadata 3 envoy.config.core.v3.Metadata
      load_balancing_weight 4 google.protobuf.UInt32Value
    envoy.config.endpoint.v3.LocalityLbEndpoints
      locality 1 envoy.config.core.v3.Locality
      lb_endpoints 2 envoy.config.endpoint.v3.LbEndpoint repeated
      load_balancing_weight 3 google.protobuf.UInt32Value
      priority 5 uint32
    envoy.config.listener.v3.ApiListener
      api_listener 1 google.protobuf.Any
    envoy.config.listener.v3.Filter
      name 1 string
      typed_config 4 google.protobuf.Any
    envoy.config.listener.v3.FilterChain
      filters 3 envoy.config.listener.v3.Filter repeated
      transport_socket 6 envoy.config.core.v3.TransportSocket
      name 7 string
    envoy.config.listener.v3.Listener
      name 1 string
      address 2 envoy.config.core.v3.Address
      filter_chains 3 envoy.config.listener.v3.FilterChain repeated
      metadata 6 envoy.config.core.v3.Metadata
      traffic_direction 16 envoy.config.core.v3.TrafficDirection
      api_listener 19 envoy.config.listener.v3.ApiListener
      default_filter_chain 25 envoy.config.listener.v3.FilterChain
      stat_prefix 28 string
      enable_reuse_port 29 google.protobuf.BoolValue
    envoy.config.route.v3.RouteConfiguration
      name 1 string
      virtual_hosts 2 envoy.config.route.v3.VirtualHost repeated
      validate_clusters 7 google.protobuf.BoolValue
      ignore_port_in_host_matching 14 bool
    envoy.config.route.v3.VirtualHost
      name 1 string
      domains 2 string repeated
      routes 3 envoy.config.route.v3.Route repeated
      include_request_attempt_count 14 bool
    envoy.config.route.v3.Route
      match 1 envoy.config.route.v3.RouteMatch
      route 2 envoy.config.route.v3.RouteAction
      redirect 3 envoy.config.route.v3.RedirectAction
      direct_response 7 envoy.config.route.v3.DirectResponseAction
      non_forwarding_action 18 envoy.config.route.v3.NonForwardingAction
      metadata 4 envoy.config.core.v3.Metadata
      request_headers_to_add 9 envoy.config.core.v3.HeaderValueOption repeated
      response_headers_to_add 10 envoy.config.core.v3.HeaderValueOption repeated
      response_headers_to_remove 11 string repeated
      request_headers_to_remove 12 string repeated
      typed_per_filter_config 13 map<string,google.protobuf.Any>
      name 14 string
    envoy.config.route.v3.RouteMatch
      prefix 1 string
      path 2 string
      safe_regex 10 envoy.type.matcher.v3.RegexMatcher
      path_separated_prefix 14 string
      case_sensitive 4 google.protobuf.BoolValue
      headers 6 envoy.config.route.v3.HeaderMatcher repeated
      query_parameters 7 envoy.config.route.v3.QueryParameterMatcher repeated
    envoy.config.route.v3.HeaderMatcher
      name 1 string
      exact_match 4 string
      present_match 7 bool
      safe_regex_match 11 envoy.type.matcher.v3.RegexMatcher
      string_match 13 envoy.type.matcher.v3.StringMatcher
      invert_match 8 bool
    envoy.config.route.v3.QueryParameterMatcher
      name 1 string
      string_match 5 envoy.type.matcher.v3.StringMatcher
      present_match 6 bool
    envoy.config.route.v3.RouteAction.ClusterNotFoundResponseCode
      SERVICE_UNAVAILABLE 0 enum-value
      NOT_FOUND 1 enum-value
      INTERNAL_SERVER_ERROR 2 enum-value
    envoy.config.route.v3.RouteAction.MaxStreamDuration
      max_stream_duration 1 google.protobuf.Duration
      grpc_timeout_header_max 2 google.protobuf.Duration
      grpc_timeout_header_offset 3 google.protobuf.Duration
    envoy.config.route.v3.HedgePolicy
      hedge_on_per_try_timeout 3 bool
    envoy.config.route.v3.RouteAction
      cluster 1 string
      cluster_header 2 string
      weighted_clusters 3 envoy.config.route.v3.WeightedCluster
      timeout 8 google.protobuf.Duration
      retry_policy 9 envoy.config.route.v3.RetryPolicy
      cluster_not_found_response_code 20 envoy.config.route.v3.RouteAction.ClusterNotFoundResponseCode
      hedge_policy 27 envoy.config.route.v3.HedgePolicy
      idle_timeout 24 google.protobuf.Duration
      max_stream_duration 36 envoy.config.route.v3.RouteAction.MaxStreamDuration
      hash_policy 15 envoy.config.route.v3.RouteAction.HashPolicy repeated
      prefix_rewrite 5 string
      host_rewrite_literal 6 string
      request_mirror_policies 30 envoy.config.route.v3.RouteAction.RequestMirrorPolicy repeated
      regex_rewrite 32 envoy.type.matcher.v3.RegexMatchAndSubstitute
    envoy.config.route.v3.WeightedCluster.ClusterWeight
      name 1 string
      weight 2 google.protobuf.UInt32Value
      request_headers_to_add 4 envoy.config.core.v3.HeaderValueOption repeated
      response_headers_to_add 5 envoy.config.core.v3.HeaderValueOption repeated
      response_headers_to_remove 6 string repeated
      request_headers_to_remove 9 string repeated
      host_rewrite_literal 11 string
    envoy.config.route.v3.WeightedCluster
      clusters 1 envoy.config.route.v3.WeightedCluster.ClusterWeight repeated
      use_hash_policy 5 google.protobuf.BoolValue
    envoy.config.route.v3.RetryPolicy.RetryBackOff
      base_interval 1 google.protobuf.Duration
      max_interval 2 google.protobuf.Duration
    envoy.config.route.v3.RetryPolicy.RetryHostPredicate
      name 1 string
      typed_config 3 google.protobuf.Any
    envoy.config.route.v3.RetryPolicy
      retry_on 1 string
      num_retries 2 google.protobuf.UInt32Value
      per_try_timeout 3 google.protobuf.Duration
      retry_host_predicate 5 envoy.config.route.v3.RetryPolicy.RetryHostPredicate repeated
      host_selection_retry_max_attempts 6 int64
      retriable_status_codes 7 uint32 repeated
      retry_back_off 8 envoy.config.route.v3.RetryPolicy.RetryBackOff
      retriable_request_headers 10 envoy.config.route.v3.HeaderMatcher repeated
    envoy.config.route.v3.RedirectAction
      host_redirect 1 string
      path_redirect 2 string
      prefix_rewrite 5 string
      regex_rewrite 9 envoy.type.matcher.v3.RegexMatchAndSubstitute
      response_code 3 envoy.config.route.v3.RedirectAction.RedirectResponseCode
      https_redirect 4 bool
      scheme_redirect 7 string
      strip_query 6 bool
      port_redirect 8 uint32
    envoy.config.route.v3.DirectResponseAction
      status 1 uint32
      body 2 envoy.config.core.v3.DataSource
    envoy.extensions.filters.http.router.v3.Router
      suppress_envoy_headers 4 bool
    envoy.extensions.filters.network.http_connection_manager.v3.Rds
      config_source 1 envoy.config.core.v3.ConfigSource
      route_config_name 2 string
    envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter
      name 1 string
      typed_config 4 google.protobuf.Any
      is_optional 6 bool
    envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.CodecType
      AUTO 0 enum-value
      HTTP1 1 enum-value
      HTTP2 2 enum-value
      HTTP3 3 enum-value
    envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.UpgradeConfig
      upgrade_type 1 string
    envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
      codec_type 1 envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.CodecType
      stat_prefix 2 string
      rds 3 envoy.extensions.filters.network.http_connection_manager.v3.Rds
      route_config 4 envoy.config.route.v3.RouteConfiguration
      http_filters 5 envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter repeated
      http2_protocol_options 9 envoy.config.core.v3.Http2ProtocolOptions
      upgrade_configs 23 envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.UpgradeConfig repeated
      stream_idle_timeout 24 google.protobuf.Duration
      common_http_protocol_options 35 envoy.config.core.v3.HttpProtocolOptions
    envoy.extensions.transport_sockets.tls.v3.TlsParameters.TlsProtocol
      TLS_AUTO 0 enum-value
      TLSv1_0 1 enum-value
      TLSv1_1 2 enum-value
      TLSv1_2 3 enum-value
      TLSv1_3 4 enum-value
    envoy.extensions.transport_sockets.tls.v3.TlsParameters
      tls_minimum_protocol_version 1 envoy.extensions.transport_sockets.tls.v3.TlsParameters.TlsProtocol
      tls_maximum_protocol_version 2 envoy.extensions.transport_sockets.tls.v3.TlsParameters.TlsProtocol
    envoy.extensions.transport_sockets.tls.v3.TlsCertificate
      certificate_chain 1 envoy.config.core.v3.DataSource
      private_key 2 envoy.config.core.v3.DataSource
    envoy.extensions.transport_sockets.tls.v3.CertificateProviderPluginInstance
      instance_name 1 string
      certificate_name 2 string
    envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher.SanType
      SAN_TYPE_UNSPECIFIED 0 enum-value
      EMAIL 1 enum-value
      DNS 2 enum-value
      URI 3 enum-value
      IP_ADDRESS 4 enum-value
      OTHER_NAME 5 enum-value
    envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher
      san_type 1 envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher.SanType
      matcher 2 envoy.type.matcher.v3.StringMatcher
    envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext
      trusted_ca 1 envoy.config.core.v3.DataSource
      match_subject_alt_names 9 envoy.type.matcher.v3.StringMatcher repeated
      ca_certificate_provider_instance 13 envoy.extensions.transport_sockets.tls.v3.CertificateProviderPluginInstance
      match_typed_subject_alt_names 15 envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher repeated
      system_root_certs 17 envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.SystemRootCerts
    envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig
      name 1 string
      sds_config 2 envoy.config.core.v3.ConfigSource
    envoy.extensions.transport_sockets.tls.v3.Secret
      name 1 string
      tls_certificate 2 envoy.extensions.transport_sockets.tls.v3.TlsCertificate
      validation_context 4 envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext
    envoy.extensions.transport_sockets.tls.v3.CommonTlsContext.CombinedCertificateValidationContext
      default_validation_context 1 envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext
      validation_context_sds_secret_config 2 envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig
    envoy.extensions.transport_sockets.tls.v3.CommonTlsContext
      tls_params 1 envoy.extensions.transport_sockets.tls.v3.TlsParameters
      tls_certificates 2 envoy.extensions.transport_sockets.tls.v3.TlsCertificate repeated
      alpn_protocols 4 string repeated
      tls_certificate_sds_secret_configs 6 envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig repeated
      validation_context 3 envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext
      validation_context_sds_secret_config 7 envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig
      combined_validation_context 8 envoy.extensions.transport_sockets.tls.v3.CommonTlsContext.CombinedCertificateValidationContext
      tls_certificate_provider_instance 14 envoy.extensions.transport_sockets.tls.v3.CertificateProviderPluginInstance
    envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
      common_tls_context 1 envoy.extensions.transport_sockets.tls.v3.CommonTlsContext
      sni 2 string
    envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
      common_tls_context 1 envoy.extensions.transport_sockets.tls.v3.CommonTlsContext
      require_client_certificate 2 google.protobuf.BoolValue
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig
      http2_protocol_options 2 envoy.config.core.v3.Http2ProtocolOptions
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      common_http_protocol_options 1 envoy.config.core.v3.HttpProtocolOptions
      explicit_http_config 3 envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig
    envoy.service.discovery.v3.DiscoveryRequest
      version_info 1 string
      node 2 envoy.config.core.v3.Node
      resource_names 3 string repeated
      type_url 4 string
      response_nonce 5 string
      error_detail 6 google.rpc.Status
    envoy.service.discovery.v3.DiscoveryResponse
      version_info 1 string
      resources 2 google.protobuf.Any repeated
      type_url 4 string
      nonce 5 string
      control_plane 6 envoy.config.core.v3.ControlPlane
    envoy.service.discovery.v3.DeltaDiscoveryRequest
      node 1 envoy.config.core.v3.Node
      type_url 2 string
      resource_names_subscribe 3 string repeated
      resource_names_unsubscribe 4 string repeated
      initial_resource_versions 5 map<string,string>
      response_nonce 6 string
      error_detail 7 google.rpc.Status
    envoy.service.discovery.v3.DeltaDiscoveryResponse
      system_version_info 1 string
      resources 2 envoy.service.discovery.v3.Resource repeated
      type_url 4 string
      nonce 5 string
      removed_resources 6 string repeated
      control_plane 7 envoy.config.core.v3.ControlPlane
    envoy.service.discovery.v3.Resource
      version 1 string
      resource 2 google.protobuf.Any
      name 3 string
      aliases 4 string repeated
      ttl 6 google.protobuf.Duration
    envoy.type.matcher.v3.RegexMatcher
      regex 2 string
    envoy.type.matcher.v3.StringMatcher
      exact 1 string
      prefix 2 string
      suffix 3 string
      safe_regex 5 envoy.type.matcher.v3.RegexMatcher
      contains 7 string
      ignore_case 6 bool
    envoy.type.v3.Percent
      value 1 double
    envoy.type.v3.SemanticVersion
      major_number 1 uint32
      minor_number 2 uint32
      patch 3 uint32
    google.rpc.Status
      code 1 int32
      message 2 string
      details 3 google.protobuf.Any repeated
    envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig
      min_cluster_size 2 google.protobuf.UInt64Value
    envoy.config.cluster.v3.Cluster.SlowStartConfig
      slow_start_window 1 google.protobuf.Duration
      min_weight_percent 3 envoy.type.v3.Percent
    envoy.config.cluster.v3.Cluster.RoundRobinLbConfig
      slow_start_config 1 envoy.config.cluster.v3.Cluster.SlowStartConfig
    envoy.config.cluster.v3.Cluster.LeastRequestLbConfig
      choice_count 1 google.protobuf.UInt32Value
      slow_start_config 3 envoy.config.cluster.v3.Cluster.SlowStartConfig
    envoy.config.cluster.v3.Cluster.RingHashLbConfig
      minimum_ring_size 1 google.protobuf.UInt64Value
      maximum_ring_size 4 google.protobuf.UInt64Value
    envoy.config.cluster.v3.Cluster.MaglevLbConfig
      table_size 1 google.protobuf.UInt64Value
    envoy.config.cluster.v3.OutlierDetection
      consecutive_5xx 1 google.protobuf.UInt32Value
      interval 2 google.protobuf.Duration
      base_ejection_time 3 google.protobuf.Duration
      max_ejection_percent 4 google.protobuf.UInt32Value
      enforcing_consecutive_5xx 5 google.protobuf.UInt32Value
      enforcing_success_rate 6 google.protobuf.UInt32Value
      success_rate_minimum_hosts 7 google.protobuf.UInt32Value
      success_rate_request_volume 8 google.protobuf.UInt32Value
      success_rate_stdev_factor 9 google.protobuf.UInt32Value
      enforcing_consecutive_gateway_failure 11 google.protobuf.UInt32Value
      failure_percentage_threshold 16 google.protobuf.UInt32Value
      enforcing_failure_percentage 17 google.protobuf.UInt32Value
      failure_percentage_minimum_hosts 19 google.protobuf.UInt32Value
      failure_percentage_request_volume 20 google.protobuf.UInt32Value
      max_ejection_time 21 google.protobuf.Duration
      max_ejection_time_jitter 22 google.protobuf.Duration
      always_eject_one_host 25 google.protobuf.BoolValue
    envoy.type.v3.Int64Range
      start 1 int64
      end 2 int64
    envoy.config.core.v3.HealthCheck
      timeout 1 google.protobuf.Duration
      interval 2 google.protobuf.Duration
      unhealthy_threshold 4 google.protobuf.UInt32Value
      healthy_threshold 5 google.protobuf.UInt32Value
      http_health_check 8 envoy.config.core.v3.HealthCheck.HttpHealthCheck
      tcp_health_check 9 envoy.config.core.v3.HealthCheck.TcpHealthCheck
      grpc_health_check 11 envoy.config.core.v3.HealthCheck.GrpcHealthCheck
      no_traffic_interval 12 google.protobuf.Duration
      interval_jitter_percent 18 uint32
    envoy.config.core.v3.HealthCheck.HttpHealthCheck
      host 1 string
      path 2 string
      expected_statuses 9 envoy.type.v3.Int64Range repeated
    envoy.config.core.v3.HealthCheck.GrpcHealthCheck
      service_name 1 string
    envoy.config.route.v3.RouteAction.HashPolicy
      header 1 envoy.config.route.v3.RouteAction.HashPolicy.Header
      cookie 2 envoy.config.route.v3.RouteAction.HashPolicy.Cookie
      connection_properties 3 envoy.config.route.v3.RouteAction.HashPolicy.ConnectionProperties
      query_parameter 5 envoy.config.route.v3.RouteAction.HashPolicy.QueryParameter
    envoy.config.route.v3.RouteAction.HashPolicy.Header
      header_name 1 string
    envoy.config.route.v3.RouteAction.HashPolicy.Cookie
      name 1 string
      ttl 2 google.protobuf.Duration
      path 3 string
    envoy.config.route.v3.RouteAction.HashPolicy.ConnectionProperties
      source_ip 1 bool
    envoy.config.route.v3.RouteAction.HashPolicy.QueryParameter
      name 1 string
    envoy.config.route.v3.RouteAction.RequestMirrorPolicy
      cluster 1 string
      runtime_fraction 3 envoy.config.core.v3.RuntimeFractionalPercent
      disable_shadow_host_suffix_append 6 bool
    envoy.config.route.v3.RedirectAction.RedirectResponseCode
      MOVED_PERMANENTLY 0 enum-value
      FOUND 1 enum-value
      SEE_OTHER 2 enum-value
      TEMPORARY_REDIRECT 3 enum-value
      PERMANENT_REDIRECT 4 enum-value
    envoy.config.cluster.v3.Cluster.DnsLookupFamily
      AUTO 0 enum-value
      V4_ONLY 1 enum-value
      V6_ONLY 2 enum-value
      V4_PREFERRED 3 enum-value
      ALL 4 enum-value
    envoy.config.core.v3.RuntimeFractionalPercent
      default_value 1 envoy.type.v3.FractionalPercent
      runtime_key 2 string
    envoy.type.matcher.v3.RegexMatchAndSubstitute
      pattern 1 envoy.type.matcher.v3.RegexMatcher
      substitution 2 string
    envoy.type.v3.FractionalPercent.DenominatorType
      HUNDRED 0 enum-value
      TEN_THOUSAND 1 enum-value
      MILLION 2 enum-value
    envoy.type.v3.FractionalPercent
      numerator 1 uint32
      denominator 2 envoy.type.v3.FractionalPercent.DenominatorType
    .X509SVIDResponse
      svids 1 X509SVID repeated
      crl 2 bytes repeated
      federated_bundles 3 map<string,bytes>
    .X509SVID
      spiffe_id 1 string
      x509_svid 2 bytes
      x509_svid_key 3 bytes
      bundle 4 bytes
      hint 5 string
    .X509BundlesResponse
      crl 1 bytes repeated
      bundles 2 map<string,bytes>
    .JWTSVIDRequest
      audience 1 string repeated
      spiffe_id 2 string
    .JWTSVIDResponse
      svids 1 JWTSVID repeated
    .JWTSVID
      spiffe_id 1 string
      svid 2 string
      hint 3 string
    .JWTBundlesResponse
      bundles 1 map<string,bytes>
    .ValidateJWTSVIDRequest
      audience 1 string
      svid 2 string
    .ValidateJWTSVIDResponse
      spiffe_id 1 string
      claims 2 google.protobuf.Struct
    .WITSVIDRequest
      spiffe_id 1 string
    .WITSVIDResponse
      svids 1 WITSVID repeated
    .WITSVID
      spiffe_id 1 string
      wit_svid 2 string
      wit_svid_key 3 string
      hint 4 string
    .WITBundlesResponse
      bundles 1 map<string,string>
    opentelemetry.proto.common.v1.AnyValue
      string_value 1 string
      bool_value 2 bool
      int_value 3 int64
      double_value 4 double
      array_value 5 opentelemetry.proto.common.v1.ArrayValue
      kvlist_value 6 opentelemetry.proto.common.v1.KeyValueList
      bytes_value 7 bytes
    opentelemetry.proto.common.v1.ArrayValue
      values 1 opentelemetry.proto.common.v1.AnyValue repeated
    opentelemetry.proto.common.v1.KeyValueList
      values 1 opentelemetry.proto.common.v1.KeyValue repeated
    opentelemetry.proto.common.v1.KeyValue
      key 1 string
      value 2 opentelemetry.proto.common.v1.AnyValue
    opentelemetry.proto.common.v1.InstrumentationScope
      name 1 string
      version 2 string
      attributes 3 opentelemetry.proto.common.v1.KeyValue repeated
      dropped_attributes_count 4 uint32
    opentelemetry.proto.resource.v1.Resource
      attributes 1 opentelemetry.proto.common.v1.KeyValue repeated
      dropped_attributes_count 2 uint32
    opentelemetry.proto.trace.v1.ResourceSpans
      resource 1 opentelemetry.proto.resource.v1.Resource
      scope_spans 2 opentelemetry.proto.trace.v1.ScopeSpans repeated
      schema_url 3 string
    opentelemetry.proto.trace.v1.ScopeSpans
      scope 1 opentelemetry.proto.common.v1.InstrumentationScope
      spans 2 opentelemetry.proto.trace.v1.Span repeated
      schema_url 3 string
    opentelemetry.proto.trace.v1.Span.Event
      time_unix_nano 1 fixed64
      name 2 string
      attributes 3 opentelemetry.proto.common.v1.KeyValue repeated
      dropped_attributes_count 4 uint32
    opentelemetry.proto.trace.v1.Span.Link
      trace_id 1 bytes
      span_id 2 bytes
      trace_state 3 string
      attributes 4 opentelemetry.proto.common.v1.KeyValue repeated
      dropped_attributes_count 5 uint32
      flags 6 fixed32
    opentelemetry.proto.trace.v1.Span.SpanKind
      SPAN_KIND_UNSPECIFIED 0 enum-value
      SPAN_KIND_INTERNAL 1 enum-value
      SPAN_KIND_SERVER 2 enum-value
      SPAN_KIND_CLIENT 3 enum-value
      SPAN_KIND_PRODUCER 4 enum-value
      SPAN_KIND_CONSUMER 5 enum-value
    opentelemetry.proto.trace.v1.Span
      trace_id 1 bytes
      span_id 2 bytes
      trace_state 3 string
      parent_span_id 4 bytes
      name 5 string
      kind 6 opentelemetry.proto.trace.v1.Span.SpanKind
      start_time_unix_nano 7 fixed64
      end_time_unix_nano 8 fixed64
      attributes 9 opentelemetry.proto.common.v1.KeyValue repeated
      dropped_attributes_count 10 uint32
      events 11 opentelemetry.proto.trace.v1.Span.Event repeated
      dropped_events_count 12 uint32
      links 13 opentelemetry.proto.trace.v1.Span.Link repeated
      dropped_links_count 14 uint32
      status 15 opentelemetry.proto.trace.v1.Status
      flags 16 fixed32
    opentelemetry.proto.trace.v1.Status.StatusCode
      STATUS_CODE_UNSET 0 enum-value
      STATUS_CODE_OK 1 enum-value
      STATUS_CODE_ERROR 2 enum-value
    opentelemetry.proto.trace.v1.Status
      message 2 string
      code 3 opentelemetry.proto.trace.v1.Status.StatusCode
    opentelemetry.proto.logs.v1.ResourceLogs
      resource 1 opentelemetry.proto.resource.v1.Resource
      scope_logs 2 opentelemetry.proto.logs.v1.ScopeLogs repeated
      schema_url 3 string
    opentelemetry.proto.logs.v1.ScopeLogs
      scope 1 opentelemetry.proto.common.v1.InstrumentationScope
      log_records 2 opentelemetry.proto.logs.v1.LogRecord repeated
      schema_url 3 string
    opentelemetry.proto.logs.v1.LogRecord
      time_unix_nano 1 fixed64
      severity_number 2 opentelemetry.proto.logs.v1.SeverityNumber
      severity_text 3 string
      body 5 opentelemetry.proto.common.v1.AnyValue
      attributes 6 opentelemetry.proto.common.v1.KeyValue repeated
      dropped_attributes_count 7 uint32
      flags 8 fixed32
      trace_id 9 bytes
      span_id 10 bytes
      observed_time_unix_nano 11 fixed64
      event_name 12 string
    opentelemetry.proto.logs.v1.SeverityNumber
      SEVERITY_NUMBER_UNSPECIFIED 0 enum-value
      SEVERITY_NUMBER_INFO 9 enum-value
      SEVERITY_NUMBER_WARN 13 enum-value
      SEVERITY_NUMBER_ERROR 17 enum-value
    opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest
      resource_spans 1 opentelemetry.proto.trace.v1.ResourceSpans repeated
    opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse
      partial_success 1 opentelemetry.proto.collector.trace.v1.ExportTracePartialSuccess
    opentelemetry.proto.collector.trace.v1.ExportTracePartialSuccess
      rejected_spans 1 int64
      error_message 2 string
    opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest
      resource_logs 1 opentelemetry.proto.logs.v1.ResourceLogs repeated
    opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse
      partial_success 1 opentelemetry.proto.collector.logs.v1.ExportLogsPartialSuccess
    opentelemetry.proto.collector.logs.v1.ExportLogsPartialSuccess
      rejected_log_records 1 int64
      error_message 2 string
    """

interface MetricRow {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly unit: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** The register of metrics. A name is an API: rows are added, never renamed. docs/reference/metrics.md is made from it. */
export const METRICS = {
  cairn_rpc_server_calls_total: {
    kind: "counter",
    unit: "calls",
    labels: ["method", "outcome"],
    help: "Calls answered, by method and by outcome: ok or the reason of the failure.",
  },
  cairn_rpc_server_seconds: {
    kind: "histogram",
    unit: "seconds",
    labels: ["method"],
    help: "How long answering took, streams to their end.",
  },
  cairn_rpc_client_calls_total: {
    kind: "counter",
    unit: "calls",
    labels: ["method", "outcome"],
    help: "Calls made to other processes, by method and by outcome.",
  },
  cairn_rpc_client_seconds: {
    kind: "histogram",
    unit: "seconds",
    labels: ["method"],
    help: "How long calls to other processes took, with their retries.",
  },
  cairn_s3_requests_total: {
    kind: "counter",
    unit: "requests",
    labels: ["operation", "status"],
    help: "S3 requests answered, by operation and HTTP status; 0: the client was gone.",
  },
  cairn_s3_request_seconds: {
    kind: "histogram",
    unit: "seconds",
    labels: ["operation"],
    help: "How long answering S3 requests took, bodies included.",
  },
  cairn_s3_requests_underway: {
    kind: "gauge",
    unit: "requests",
    labels: [],
    help: "S3 requests that are being answered.",
  },
  cairn_build_info: {
    kind: "gauge",
    unit: "1",
    labels: ["version", "role"],
    help: "Always 1; the labels say the release and the role of the process.",
  },
  cairn_nodes: {
    kind: "gauge",
    unit: "nodes",
    labels: ["state"],
    help: "Members of the cluster, by state.",
  },
  cairn_lifecycle_versions_seen_total: {
    kind: "counter",
    unit: "versions",
    labels: [],
    help: "Versions of objects, and delete markers, that lifecycle rules have looked at.",
  },
  cairn_lifecycle_removed_total: {
    kind: "counter",
    unit: "items",
    labels: ["what"],
    help: "What lifecycle rules have removed: object, version, deleteMarker, upload.",
  },
  cairn_lifecycle_laps_total: {
    kind: "counter",
    unit: "laps",
    labels: [],
    help: "How often the lifecycles of all buckets were carried out.",
  },
  cairn_moved_bytes_total: {
    kind: "counter",
    unit: "bytes",
    labels: ["reason"],
    help: "Bytes of chunks that were copied to other nodes, by why they moved: drain, spread, balance.",
  },
  cairn_underreplicated_chunks: {
    kind: "gauge",
    unit: "chunks",
    labels: [],
    help: "Chunks in the ledger of debt: with fewer copies than wanted.",
  },
  cairn_underreplicated_bytes: {
    kind: "gauge",
    unit: "bytes",
    labels: [],
    help: "What the chunks in the ledger of debt add up to, one copy each.",
  },
  cairn_debt_chunks: {
    kind: "gauge",
    unit: "chunks",
    labels: ["copies"],
    help: "Chunks with fewer copies than wanted, by their live copies: 0, 1, 2, and 3 or more.",
  },
  cairn_debt_bytes: {
    kind: "gauge",
    unit: "bytes",
    labels: ["copies"],
    help: "The same in bytes, one copy each.",
  },
  cairn_missing_bytes: {
    kind: "gauge",
    unit: "bytes",
    labels: [],
    help: "What is to be copied until every chunk has its wanted copies.",
  },
  cairn_ledger_exact: {
    kind: "gauge",
    unit: "boolean",
    labels: [],
    help: "1 when the debt shows every node that has died, come back or been removed; 0 while that is being counted.",
  },
  cairn_repair_attempts_total: {
    kind: "counter",
    unit: "attempts",
    labels: ["outcome"],
    help: "Attempts to pay for a chunk with too few copies, by how they ended.",
  },
  cairn_repair_copied_bytes_total: {
    kind: "counter",
    unit: "bytes",
    labels: [],
    help: "Bytes of chunks that repair has copied.",
  },
  cairn_datanode_buffered_bytes: {
    kind: "gauge",
    unit: "bytes",
    labels: [],
    help: "Memory reserved for chunks on their way in.",
  },
  cairn_datanode_used_bytes: {
    kind: "gauge",
    unit: "bytes",
    labels: [],
    help: "What chunks take on the disk.",
  },
  cairn_datanode_available_bytes: {
    kind: "gauge",
    unit: "bytes",
    labels: [],
    help: "What new chunks may take on the disk.",
  },
  cairn_datanode_chunks: {
    kind: "gauge",
    unit: "chunks",
    labels: [],
    help: "Chunks on the disk.",
  },
  cairn_datanode_quarantined_bytes: {
    kind: "gauge",
    unit: "bytes",
    labels: [],
    help: "What bad copies that are kept aside take on the disk.",
  },
  cairn_datanode_bad_copies_total: {
    kind: "counter",
    unit: "copies",
    labels: [],
    help: "Copies on this node that were not what had been written, or could not be read.",
  },
  cairn_scrub_read_bytes_total: {
    kind: "counter",
    unit: "bytes",
    labels: [],
    help: "Bytes of copies that the scrub has read.",
  },
  cairn_scrub_overdue_bytes: {
    kind: "gauge",
    unit: "bytes",
    labels: [],
    help: "Copies on this node that were not verified within the scrub period.",
  },
  cairn_datanode_replicas_lost_total: {
    kind: "counter",
    unit: "copies",
    labels: ["reason"],
    help: "Replicas that did not take a chunk from this node, by reason.",
  },
} as const satisfies Record<string, MetricRow>;

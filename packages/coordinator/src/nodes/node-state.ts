/**
 * The life of a node has two sides. What the coordinator hears of it, kept in memory:
 *
 *     joining ──heard──▶ alive ◀──heard── suspect ◀──late── alive
 *                                 suspect ──lost──▶ dead ──heard──▶ alive
 *
 * and what the operator wants of it, kept in the store: in service, draining, drained. What everybody
 * sees is the state that both make together. The tables below are what holds; docs/glossary.md prints them.
 */

/** What the coordinator makes of a node's heartbeats. */
export type Liveness = "joining" | "alive" | "suspect" | "dead";

export const LIVENESS = ["joining", "alive", "suspect", "dead"] as const satisfies Liveness[];

/** What may befall a node: it registered, it was heard, it was silent for a while, for too long. */
export type NodeEvent = "registered" | "heard" | "late" | "lost";

/** What follows on an event; an event that is not in a row changes nothing. */
export const LIVENESS_AFTER: Readonly<Record<Liveness, Partial<Record<NodeEvent, Liveness>>>> = {
  joining: { heard: "alive", late: "suspect", lost: "dead" },
  alive: { registered: "joining", late: "suspect", lost: "dead" },
  suspect: { registered: "joining", heard: "alive", lost: "dead" },
  dead: { registered: "joining", heard: "alive" },
};

/** What the operator wants of a node. */
export type Duty = "inService" | "draining" | "drained";

export const DUTIES = ["inService", "draining", "drained"] as const satisfies Duty[];

/** What an operator, or the drain itself, may ask for. */
export type DutyEvent = "drain" | "emptied" | "undrain";

export const DUTY_AFTER: Readonly<Record<Duty, Partial<Record<DutyEvent, Duty>>>> = {
  inService: { drain: "draining" },
  draining: { emptied: "drained", undrain: "inService" },
  drained: { undrain: "inService" },
};

/** The state of a node as the node table shows it. */
export type NodeState = "joining" | "healthy" | "suspect" | "dead" | "draining" | "drained";

export const NODE_STATES = [
  "joining",
  "healthy",
  "suspect",
  "dead",
  "draining",
  "drained",
] as const satisfies NodeState[];

/** A drained node holds nothing that anybody needs: it stays drained when it is switched off. */
export const NODE_STATE: Readonly<Record<Duty, Readonly<Record<Liveness, NodeState>>>> = {
  inService: { joining: "joining", alive: "healthy", suspect: "suspect", dead: "dead" },
  draining: { joining: "draining", alive: "draining", suspect: "suspect", dead: "dead" },
  drained: { joining: "drained", alive: "drained", suspect: "drained", dead: "drained" },
};

/** What came of a scenario. */
export interface Outcome {
  readonly name: string
  /** What happened, and how often. */
  readonly counts: Readonly<Record<string, number>>
  /** What should not have happened; empty when all survived. */
  readonly failures: readonly string[]
  /** Why some or all of it could not be tried here. */
  readonly skipped?: string
}

/** What scenarios are run with. */
export interface SurvivalOptions {
  /** Of uploads, and as many of downloads. */
  readonly kills: number
  /** Of the soak. */
  readonly objects: number
  /** Of the objects that are transferred while worker threads are lost. */
  readonly losing: number
  /** Of uploads, and as many of downloads. */
  readonly stops: number
  /** Of uploads, and as many of downloads. */
  readonly exits: number
  /** Of each fleet: how many objects it works on. */
  readonly keys: number
  /** The same seed makes the same choices. */
  readonly seed: number
  /** How many of the ways in which a file can change; all when absent. */
  readonly changes?: number
  /** How many of the cases of a copied checkpoint; all when absent. */
  readonly cases?: number
}

/** What must never be on a disk. */
export interface Secret {
  readonly name: string
  readonly bytes: Uint8Array
}

export function killUploads(options: Pick<SurvivalOptions, 'kills' | 'seed'>): Promise<Outcome>
export function killDownloads(options: Pick<SurvivalOptions, 'kills' | 'seed'>): Promise<Outcome>
export function soak(options: Pick<SurvivalOptions, 'objects' | 'seed'>): Promise<Outcome>
export function lostWorkers(options: Pick<SurvivalOptions, 'losing' | 'seed'>): Promise<Outcome>
export function stopped(options: Pick<SurvivalOptions, 'stops' | 'seed'>): Promise<Outcome>
export function exits(options: Pick<SurvivalOptions, 'exits' | 'seed'>): Promise<Outcome>
export function fullDisk(): Promise<Outcome>
export function twice(options: Pick<SurvivalOptions, 'seed'>): Promise<Outcome>
export function changingFile(options?: Pick<SurvivalOptions, 'changes'>): Promise<Outcome>
export function copiedCheckpoints(options?: Pick<SurvivalOptions, 'cases'>): Promise<Outcome>
export function fleetAudit(options: Pick<SurvivalOptions, 'keys' | 'seed'>): Promise<Outcome>
export function fleetRotate(options: Pick<SurvivalOptions, 'keys' | 'seed'>): Promise<Outcome>
export function fleetMigrate(options: Pick<SurvivalOptions, 'keys' | 'seed'>): Promise<Outcome>

/** Looks for secrets in all files of a directory; tells what was found where. */
export function findSecrets(directory: string, secrets: readonly Secret[]): string[]
/** The ways that a program may write bytes, by name. */
export function formsOf(bytes: Uint8Array): Readonly<Record<string, string | Uint8Array>>

/** Choices that depend on a seed alone. */
export declare class Random {
  constructor(seed: number | string)
  fork(name: string): Random
  next(): number
  integer(min: number, max: number): number
}

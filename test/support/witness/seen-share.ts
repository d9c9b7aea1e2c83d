/**
 * A share that is watched: every call is passed on, compared with a naive account of virtual token counters, and held against
 * what tasks wait.
 */
import type { Share } from '../../../lib/policy/index.js';
import { broken } from './broken-invariant.js';

export class SeenShare {
  /** The share to give to the scheduler. */
  readonly share: Share;
  readonly isSingle: boolean;
  /** Virtual token counters by tenant, kept here. */
  readonly counters: number[] = [];
  /** Tenants that the share was told wait, and what was charged to each, by calls and as it should be. */
  readonly isActive: boolean[] = [];
  readonly charged: number[] = [];
  readonly due: number[] = [];
  /** The tenant charged for the grant that is being looked at, and its counter before; NONE between grants. */
  #grantTenant = -1;
  #counterBefore = 0;
  readonly #isVtc: boolean;
  readonly #promptWeight: number;
  readonly #outputWeight: number;
  /** The tenant that left the queue last, and its counter if it was forgotten since. */
  #lastOut = -1;
  #lastOutCounter = 0;

  /**
   * @param isWaiting - may a task of the tenant be granted now?
   * @param tenants - how many tenants there may be, so that all can be looked at
   */
  constructor(inner: Share, isWaiting: (tenant: number) => boolean, tenants: () => number) {
    this.isSingle = inner.single === true;
    this.#isVtc = inner.name === 'vtc';
    this.#promptWeight = inner.parameters.promptWeight ?? 0;
    this.#outputWeight = inner.parameters.outputWeight ?? 0;
    const { counters } = this;
    const same = (tenant: number, after: string) => {
      if (!this.#isVtc || inner.key(tenant) === this.of(tenant)) return;
      broken(
        'a tenant is charged what it used',
        `after ${after} tenant ${tenant} has ${inner.key(tenant)}, not ${this.of(tenant)}`,
      );
    };
    this.share = {
      name: inner.name,
      parameters: inner.parameters,
      ...(this.isSingle ? { single: true } : {}),
      key: (tenant) => inner.key(tenant),
      activated: (tenant, floor) => {
        let least: number | undefined;
        for (let other = 0; other < tenants(); other++) {
          if (other !== tenant && isWaiting(other) && (least === undefined || this.of(other) < least))
            least = this.of(other);
        }
        if (least !== floor) broken('a tenant that comes back is lifted', `the floor is ${least}, not ${floor}`);
        if (this.isActive[tenant] === true) broken('a share knows who waits', `tenant ${tenant} is activated twice`);
        this.isActive[tenant] = true;
        const from = least ?? (this.#lastOut < 0 ? this.#lastOutCounter : this.of(this.#lastOut));
        counters[tenant] = Math.max(this.of(tenant), from);
        const changed = inner.activated(tenant, floor);
        if (this.#isVtc && inner.key(tenant) !== this.of(tenant)) {
          broken(
            'a tenant that comes back is lifted',
            `tenant ${tenant} has ${inner.key(tenant)}, not ${this.of(tenant)}`,
          );
        }
        return changed;
      },
      emptied: (tenant) => {
        inner.emptied(tenant);
        this.isActive[tenant] = false;
        this.#lastOut = tenant;
      },
      granted: (tenant, work) => {
        const changed = inner.granted(tenant, work);
        this.#grantTenant = tenant;
        this.#counterBefore = this.of(tenant);
        this.#charge(tenant, this.#promptWeight * work);
        same(tenant, 'a grant');
        return changed;
      },
      used: (tenant, outputTokens) => {
        const changed = inner.used(tenant, outputTokens);
        this.#charge(tenant, this.#outputWeight * outputTokens);
        same(tenant, 'use');
        return changed;
      },
      forgotten: (tenant) => {
        inner.forgotten(tenant);
        if (this.#lastOut === tenant) {
          this.#lastOutCounter = this.of(tenant);
          this.#lastOut = -1;
        }
        counters[tenant] = 0;
        this.charged[tenant] = 0;
        this.due[tenant] = 0;
        same(tenant, 'being forgotten');
      },
    };
  }

  of(tenant: number): number {
    return this.counters[tenant] ?? 0;
  }

  /** The counter when the grant that is being looked at was chosen: before it was charged. */
  beforeGrant(tenant: number): number {
    return tenant === this.#grantTenant ? this.#counterBefore : this.of(tenant);
  }

  /** That grant is done. */
  noteStarted(): void {
    this.#grantTenant = -1;
  }

  /** What should be charged: a task's prompt or weight at its first grant, tokens when they come. */
  expectGranted(tenant: number, work: number): void {
    this.due[tenant] = (this.due[tenant] ?? 0) + this.#promptWeight * work;
  }

  expectUsed(tenant: number, outputTokens: number): void {
    this.due[tenant] = (this.due[tenant] ?? 0) + this.#outputWeight * outputTokens;
  }

  /** Between two decisions: was everything charged, once, and does the share know who waits? */
  check(isWaiting: (tenant: number) => boolean, tenants: number): void {
    if (this.isSingle) return;
    for (let tenant = 0; tenant < tenants; tenant++) {
      const due = this.due[tenant] ?? 0;
      const charged = this.charged[tenant] ?? 0;
      if (Math.abs(due - charged) > 1e-6 * Math.max(1, due)) {
        broken('a tenant is charged what it used', `tenant ${tenant} was charged ${charged}, not ${due}`);
      }
      if ((this.isActive[tenant] === true) !== isWaiting(tenant)) {
        broken('a share knows who waits', `tenant ${tenant} ${isWaiting(tenant) ? 'waits' : 'has nothing waiting'}`);
      }
    }
  }

  #charge(tenant: number, amount: number): void {
    this.counters[tenant] = this.of(tenant) + amount;
    this.charged[tenant] = (this.charged[tenant] ?? 0) + amount;
  }
}

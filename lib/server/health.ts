/** `GET /health`: may traffic be sent here? */
import type { FastifyInstance } from 'fastify';
import type { ModelInfo, YardService } from '../runtime/service.js';

type Health = 'ok' | 'loading' | 'restarting' | 'failed';

/** 200 when every model is ready, 503 otherwise. The one route that answers without an API key: load balancers have none. */
export function registerHealth(app: FastifyInstance, yard: YardService): void {
  app.get('/health', async (_request, reply) => {
    const models = yard.models();
    const status = healthOf(models);
    reply.code(status === 'ok' ? 200 : 503);
    return { status, models: Object.fromEntries(models.map(({ name, state }) => [name, state])) };
  });
}

/** The worst state among the models. */
function healthOf(models: readonly ModelInfo[]): Health {
  const states = new Set(models.map(({ state }) => state));
  if (states.has('failed')) return 'failed';
  if (states.has('loading')) return 'loading';
  return states.has('restarting') ? 'restarting' : 'ok';
}

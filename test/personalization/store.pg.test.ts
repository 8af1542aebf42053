import { testDatabaseUrl } from '../services/database.ts';
import { personalizationContract } from './contract.ts';
import { makeStore } from './store-behind.ts';

const url = await testDatabaseUrl();

personalizationContract('the PostgreSQL profile store', () => makeStore(url));

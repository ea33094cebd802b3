import type { sampleArticles } from './sample-articles.ts';

/** A ticket that the team has solved: subject, question, the answer (plain text), and the article that it names. */
type SolvedRow = readonly [subject: string, question: string, answer: string, article: keyof typeof sampleArticles];

/** What the sandbox's team has answered before. Written for it; nobody in it exists. */
export const sampleHistory: readonly SolvedRow[] = [
  [
    'Tracking stands still',
    'My parcel TH-40112 has not moved for four days. Is it lost?',
    'It is still within the six working days that a change of depots takes, so please give it until Friday.',
    'tracking',
  ],
  [
    'Parcel lost?',
    'Ordered a jacket two weeks ago, tracking says nothing new since the 3rd.',
    'That is too long. I have started a search with the carrier today and will send a new jacket if they do not find it within five days.',
    'tracking',
  ],
  [
    'Depot',
    'They say my order waits in a parcel shop. What do I need to collect it?',
    'The order number and an identity card are enough; it is kept for seven days.',
    'tracking',
  ],
  [
    'Paket nicht angekommen',
    'Mein Paket TH-40377 sollte seit einer Woche da sein.',
    'Wir haben einen Nachforschungsauftrag gestellt. Ist es in fünf Werktagen nicht gefunden, liefern wir neu.',
    'tracking',
  ],
  [
    'Pegs missing',
    'The Col 2 tent came without any pegs!',
    'Sorry about that. Please look in the lid of the box first; if they are not there I send a set today.',
    'damaged',
  ],
  [
    'Broken headlamp',
    'One headlamp arrived with a cracked glass, the box was open.',
    'A new one leaves today at no cost. Please keep the broken one until the photo has been seen by the carrier.',
    'damaged',
  ],
  [
    'Carton écrasé',
    'Le carton est arrivé écrasé et la gourde est tordue.',
    'Je vous envoie une nouvelle gourde aujourd’hui, sans frais. Une photo du carton nous suffit.',
    'damaged',
  ],
  [
    'Wrong address',
    'I typed the old street by mistake. Can you change it? It was ordered an hour ago.',
    'You can do that yourself until the dispatch mail is sent, under My orders, Change. I have already set it for you this time.',
    'change',
  ],
  [
    'Cancel please',
    'I want to cancel TH-40510, I ordered the wrong tent.',
    'It had not left yet, so I have cancelled it; the money goes back the way you paid.',
    'change',
  ],
  [
    'Cambiar dirección',
    '¿Pueden enviar el pedido TH-40602 a mi oficina?',
    'Ya ha salido, así que solo el transportista puede cambiarlo en su página de seguimiento.',
    'change',
  ],
  [
    'Boots too small',
    'I need the boots one size bigger, how does that work?',
    'Choose Exchange and the new size; they leave as soon as your parcel has been scanned. The label is free.',
    'returns',
  ],
  [
    'Got green instead of blue',
    'I ordered a blue jacket, the one in the box is green.',
    'Our mistake, and the exchange is free at any time. Please use Exchange under My orders and pick blue again.',
    'returns',
  ],
  [
    'Return in a shop',
    'Can I bring back an online order to Graz?',
    'Yes, the shop in Graz takes online orders back; just bring the order number.',
    'returns',
  ],
  [
    'Umtausch',
    'Kann ich die Hose in einer anderen Farbe haben? Etikett ist noch dran.',
    'Gern: unter Meine Bestellungen auf Umtausch gehen, das Etikett ist kostenlos.',
    'returns',
  ],
  [
    'No refund yet',
    'I sent the stove back ten days ago and have seen no money.',
    'It reached us on Monday and was refunded today; cards take up to ten days more at the bank.',
    'refund',
  ],
  [
    'Rimborso',
    'Ho restituito lo zaino un mese fa e non ho ricevuto nulla.',
    'Era rimasto bloccato: l’ho appena liberato a mano e arriva entro cinque giorni lavorativi.',
    'refund',
  ],
  [
    'Two payments',
    'I see two payments of 64 euros for one order.',
    'The second one is a reservation, which your bank releases within five working days. If it is still there after that, send me the statement.',
    'payment',
  ],
  [
    'Card refused',
    'My card is refused again and again, the bank says it is fine.',
    'Three refusals lock a card for 24 hours with us. Please try again tomorrow without VPN and confirm it in the app of your bank.',
    'payment',
  ],
  [
    'Invoice to my company',
    'Please put our company and VAT number on the invoice TH-40833.',
    'Done: you find the corrected PDF under My orders, Invoice.',
    'invoice',
  ],
  [
    'Rechnung auf falschen Namen',
    'Die Rechnung lautet auf meine Frau, ich brauche sie auf meinen Namen.',
    'Die korrigierte Rechnung liegt jetzt unter Meine Bestellungen, Rechnung.',
    'invoice',
  ],
  [
    'Gift card',
    'The code TRAIL-2OK7-11 does not work.',
    'There is no letter O in our codes: please type the digit 0 instead. It is good until 2029.',
    'giftcard',
  ],
  [
    'Zip again',
    'The zip of my jacket jams although I waxed it as you said.',
    'Then we change it free of charge: please send the jacket with the label from My orders, Return, and write “zip” on it.',
    'warranty',
  ],
  [
    'Strap torn',
    'A strap of the pack tore after two months. Warranty?',
    'Yes, straps are covered for three years. I send you a new strap, which is sewn on in any shoe shop, or you send us the pack.',
    'warranty',
  ],
  [
    'Regulator leaks gas',
    'I smell gas at the regulator of my stove.',
    'Please do not use it any more. A new regulator leaves today; you need not send the old one back.',
    'warranty',
  ],
  [
    'Pole broke',
    'Col 3, the red pole broke in the wind last night.',
    'A new red pole is on its way free of charge. Until then the repair sleeve in the pole bag holds it.',
    'spareparts',
  ],
  [
    'Password every day',
    'Since the update the planner asks me for the password each morning.',
    'Android puts the app to sleep. Please set Battery to unrestricted for it, sign in once more and update to 5.2.1.',
    'signin',
  ],
  [
    'Pas de code',
    'J’ai changé de numéro et je ne reçois plus le code.',
    'Choisissez Autres moyens, Code par e-mail, puis changez le numéro dans votre compte.',
    'signin',
  ],
  [
    'Profile empty on the watch',
    'The watch shows the route, but without the elevation profile.',
    'The route has too many points. Please choose Simplify and Send again; then the profile comes with it.',
    'sync',
  ],
  [
    'Maps for two regions',
    'Can I have two regions offline in the free plan?',
    'The free plan holds one at a time; with Plus it is any number. A region takes 300 to 900 MB.',
    'maps',
  ],
  [
    'Opzeggen',
    'Waar kan ik Plus opzeggen? Ik vind de knop niet.',
    'In de webwinkel onder Account, Abonnement, of in de store waar u het hebt gekocht; in de app zelf staat de knop niet.',
    'plus',
  ],
  [
    'Delete everything',
    'Please delete my account and confirm it.',
    'You can do that under Account, Privacy, Delete. All but invoices goes within 30 days, and you get the confirmation by mail.',
    'privacy',
  ],
];

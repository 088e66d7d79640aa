// spans-mongo asks the MongoDB server at its argument.
package main

import (
	"context"
	"fmt"
	"os"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func refused(err error) {
	if err == nil {
		panic("no failure")
	}
}

func second(_ interface{}, err error) error {
	return err
}

var secret = bson.D{{"secret", "canary"}}
var later = func(context.Context, *mongo.Client) {}

//go:noinline
func round(ctx context.Context, c *mongo.Client) {
	shop := c.Database("shop")
	orders := shop.Collection("orders")
	replaced := bson.D{{"$set", secret}}

	check(c.Ping(ctx, nil))
	check(second(orders.InsertOne(ctx, secret)))
	check(second(orders.InsertMany(ctx, []interface{}{secret, secret})))
	cursor, err := orders.Find(ctx, secret)
	check(err)
	for cursor.Next(ctx) {
	}
	check(cursor.Err())
	check(orders.FindOne(ctx, secret).Err())
	if _, err := orders.FindOne(ctx, bson.D{{"missing", "canary"}}).DecodeBytes(); err != mongo.ErrNoDocuments {
		panic(err)
	}
	check(second(orders.UpdateOne(ctx, secret, replaced)))
	check(second(orders.UpdateMany(ctx, secret, replaced)))
	check(second(orders.ReplaceOne(ctx, secret, secret)))
	check(second(orders.DeleteOne(ctx, secret)))
	check(second(orders.DeleteMany(ctx, secret)))
	check(orders.FindOneAndUpdate(ctx, secret, replaced).Err())
	check(orders.FindOneAndReplace(ctx, secret, secret).Err())
	check(orders.FindOneAndDelete(ctx, secret).Err())
	orders.FindOneAndDelete(ctx, bson.D{{"missing", "canary"}})
	silent := shop.Collection("orders", options.Collection().SetWriteConcern(writeconcern.New(writeconcern.W(0))))
	silent.InsertOne(ctx, secret) // v1 returns an error that says that there is no answer
	check(second(orders.Distinct(ctx, "canary", secret)))
	check(second(orders.CountDocuments(ctx, secret)))
	check(second(orders.EstimatedDocumentCount(ctx)))
	check(second(orders.Aggregate(ctx, mongo.Pipeline{{{"$match", secret}}})))
	check(second(orders.BulkWrite(ctx, []mongo.WriteModel{
		mongo.NewInsertOneModel().SetDocument(secret),
		mongo.NewUpdateOneModel().SetFilter(secret).SetUpdate(replaced),
		mongo.NewDeleteOneModel().SetFilter(secret),
	})))
	stream, err := orders.Watch(ctx, mongo.Pipeline{})
	check(err)
	check(stream.Close(ctx))
	check(second(orders.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{"canary", 1}}})))
	check(second(orders.Indexes().List(ctx)))
	check(second(orders.Indexes().DropOne(ctx, "canary_1")))
	check(second(shop.ListCollections(ctx, secret)))
	check(shop.RunCommand(ctx, bson.D{{"dbStats", 1}, {"comment", "canary"}}).Err())
	check(shop.RunCommand(ctx, bson.M{"dbStats": 1}).Err())
	check(second(c.ListDatabases(ctx, secret)))
	inside(ctx, c, orders)
	check(orders.Drop(ctx))
	check(shop.Drop(ctx))

	bad := shop.Collection("refused")
	refused(second(bad.InsertOne(ctx, secret)))
	refused(second(bad.InsertMany(ctx, []interface{}{secret, secret})))
	refused(second(bad.Find(ctx, secret)))
	refused(bad.FindOne(ctx, secret).Err())
	refused(second(bad.UpdateOne(ctx, secret, replaced)))
	refused(second(bad.DeleteOne(ctx, secret)))
	refused(bad.FindOneAndDelete(ctx, secret).Err())
	refused(second(bad.BulkWrite(ctx, []mongo.WriteModel{mongo.NewInsertOneModel().SetDocument(secret)})))
	refused(second(bad.Aggregate(ctx, mongo.Pipeline{{{"$match", secret}}})))
	refused(second(shop.Collection("unsafe").InsertOne(ctx, secret)))

	once := shop.Collection("once") // the first time it answers so that this is tried again
	check(second(once.InsertOne(ctx, secret)))
	once.FindOne(ctx, secret) // 1.0 does not try it again

	gone, cancel := context.WithCancel(ctx)
	cancel()
	refused(second(orders.InsertOne(gone, secret)))
	later(ctx, c)
}

// inside does things in a transaction.
func inside(ctx context.Context, c *mongo.Client, orders *mongo.Collection) {
	session, err := c.StartSession()
	check(err)
	check(session.StartTransaction())
	check(mongo.WithSession(ctx, session, func(ctx mongo.SessionContext) error {
		check(second(orders.InsertOne(ctx, secret)))
		return session.CommitTransaction(ctx)
	}))
	check(session.StartTransaction())
	check(mongo.WithSession(ctx, session, func(ctx mongo.SessionContext) error {
		check(second(orders.DeleteOne(ctx, secret)))
		return session.AbortTransaction(ctx)
	}))
	session.EndSession(ctx)
}

func main() {
	ctx := context.Background()
	c, err := mongo.Connect(ctx, options.Client().ApplyURI(os.Args[1]))
	check(err)
	check(c.Ping(ctx, nil)) // now it knows the server
	round(ctx, c)
	check(c.Disconnect(ctx))
	fmt.Println("done")
}
